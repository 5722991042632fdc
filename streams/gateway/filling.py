"""A slate without its withdrawn items, filled up with popular ones. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from streams.learning.slate_ids import changed_id
from streams.ranking.slate import NEITHER, PopularFeed, Slate, SlateItem
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
    """The first items of the popular feed that the gateway may show to the user, `places` at most.

    It leaves out items that are `gone`, items that are `kept` from the user's own slate, and items that the
    user has `met` by one of the actions in `blocking`.
    """
    rows = popular.rows
    if len(rows) != len(popular.items):  # an older build wrote no rows: nothing says what the user has met
        if met.any(blocking):
            return []
        rows = [0] * len(popular.items)
    seen = {item.item_id for item in kept}
    chosen: list[SlateItem] = []
    for item, row in zip(popular.items, rows, strict=True):
        if len(chosen) == places:
            break
        if item.item_id not in gone and item.item_id not in seen and not met.has(row, blocking):
            chosen.append(item)
    return chosen


def shown(own: Slate, kept: list[SlateItem], filled: list[SlateItem], popular_ts: int) -> Slate:
    """The user's slate with its `kept` items, then the `filled` ones.

    The id names the items that are shown. If they differ from the slate's first items, the id is a new one.
    A filled-in item has no known propensity, so then the slate has none. It is of no team.
    """
    items = kept + filled
    changed: dict[str, object] = {"items": items}
    if items != own.items[: len(items)]:
        # The same items have the same id, so two reads are one slate.
        changed["slate_id"] = changed_id(own.slate_id, (item.item_id for item in items))
    if own.propensities is not None:
        known = {item.item_id: each for item, each in zip(own.items, own.propensities, strict=True)}
        changed["propensities"] = None if filled else [known[item.item_id] for item in kept]
    if own.teams is not None:
        team_of = {item.item_id: team for item, team in zip(own.items, own.teams, strict=True)}
        changed["teams"] = [team_of[item.item_id] for item in kept] + [NEITHER] * len(filled)
    if not items:
        changed |= {"model": "", "rung": "empty"}
    elif not kept:
        changed |= {"model": "", "rung": "popular", "ts": popular_ts}
    return msgspec.structs.replace(own, **changed)
