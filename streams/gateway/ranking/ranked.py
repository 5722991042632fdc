"""A slate that was ranked on request, as its answer."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from streams.gateway.answers import JSON, json_answer
from streams.gateway.answers import Answer as HttpAnswer
from streams.gateway.feeds import NO_STORE, Feed, FeedItem, FeedReason
from streams.ranking.slate import SlateItem
from streams.serving.ranker_asked import Answer


class Contribution(msgspec.Struct, gc=False):
    """One part of a score; see docs/api.md for the names."""

    name: str
    value: float


class RankedItem(FeedItem, kw_only=True, gc=False):
    """One place. `contributions`: what its score is the sum of, where that was asked for and is known: it is
    not known of a slate that a worker made.
    """

    contributions: list[Contribution] | None = None


class Ranked(Feed, kw_only=True):
    """A feed that was ranked now. `cursor`: for the next page of this slate; null where it ends here, and of
    a stored feed. `unknown`: items that were asked for and that nobody announced or met. `left_out`: items
    that were asked for and that the filter keeps out, or that can't be had.
    """

    items: list[RankedItem]  # type: ignore[assignment]  # narrower, and nobody adds to it
    cursor: str | None = None
    unknown: list[str] = msgspec.field(default_factory=list)
    left_out: list[str] = msgspec.field(default_factory=list)


def ranked(
    answer: Answer, at: Sequence[int] | None = None, explain: bool = False, cursor: str | None = None
) -> Ranked:
    """The places `at` of an answer; all where none are named."""
    slate = answer.slate
    at = range(len(slate.items)) if at is None else at
    parts = contributions(answer, at) if explain and answer.scores else [None] * len(at)
    items = [_item(slate.items[k], parts_of_it) for k, parts_of_it in zip(at, parts, strict=True)]
    return Ranked(
        user_id=slate.user_id,
        slate_id=slate.slate_id,
        ts=slate.ts,
        items=items,
        model=slate.model,
        rung=slate.rung,
        arm=slate.arm,
        cause=slate.cause,
        times=slate.times,
        cursor=cursor,
        unknown=list(answer.unknown),
        left_out=list(answer.left_out),
    )


def contributions(answer: Answer, at: Sequence[int]) -> list[list[Contribution]]:
    """What the scores of these places are the sums of."""
    columns = [(part.name, part.values.tolist()) for part in answer.parts]
    return [[Contribution(name, values[k]) for name, values in columns] for k in at]


def _item(item: SlateItem, parts: list[Contribution] | None) -> RankedItem:
    reason = FeedReason(item.reason.kind, item.reason.item_id, item.reason.text)
    return RankedItem(
        item_id=item.item_id, score=item.score, source=item.source, reason=reason, contributions=parts
    )


def ranked_answer(answer: Ranked) -> HttpAnswer:
    """As bytes, which nobody on the way keeps."""
    return json_answer(200, answer, JSON, NO_STORE)
