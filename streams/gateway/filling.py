"""A slate without what can't be had any more, filled up with what is popular. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from streams.ranking.slate import PopularFeed, Slate, SlateItem, slate_id
from streams.state.consumed import Consumed


def without(items: list[SlateItem], gone: Collection[str]) -> list[SlateItem]:
    """The items that are not `gone`, in their order."""
    return [item for item in items if item.item_id not in gone] if gone else items


def filling(
    popular: PopularFeed,
    met: Consumed,
    blocking: int,
    gone: Collection[str],
    kept: Sequence[SlateItem],
    places: int,
) -> list[SlateItem]:
    """The first items of the popular feed that the user may be shown, `places` at most.

    Not those that are `gone`, that are `kept` from the user's own slate, or that the user has `met` by one of
    the actions in `blocking`.
    """
    rows = popular.rows
    if len(rows) != len(popular.items):  # an older build's: it can't be told which of them the user has met
        if met.any(blocking):
            return []
        rows = [0] * len(popular.items)
    seen = {item.item_id for item in kept}
    found: list[SlateItem] = []
    for item, row in zip(popular.items, rows, strict=True):
        if len(found) == places:
            break
        if item.item_id not in gone and item.item_id not in seen and not met.has(row, blocking):
            found.append(item)
    return found


def shown(own: Slate, kept: list[SlateItem], filled: list[SlateItem], popular_ts: int) -> Slate:
    """The user's slate with the items that are `kept` of it and those that are `filled` in.

    Its id names what is shown: where that is not how the slate began, it is another one.
    """
    items = kept + filled
    changed: dict[str, object] = {"items": items}
    if items != own.items[: len(items)]:
        # The same for the same items, so that what is read twice is one slate.
        changed["slate_id"] = slate_id(own.slate_id, *(item.item_id for item in items))
    if not items:
        changed |= {"model": "", "rung": "empty"}
    elif not kept:
        changed |= {"model": "", "rung": "popular", "ts": popular_ts}
    return msgspec.structs.replace(own, **changed)
