"""A slate that was ranked on request, as its answer."""

from __future__ import annotations

import msgspec

from streams.gateway.answers import JSON, json_answer
from streams.gateway.answers import Answer as HttpAnswer
from streams.gateway.feeds import NO_STORE, Feed, FeedItem, FeedReason
from streams.ranking.slate import Slate, SlateItem
from streams.serving.ranker_asked import Answer


class Ranked(Feed, kw_only=True):
    """A feed that was ranked now. `unknown`: items that were asked for and that nobody announced or met.
    `left_out`: items that were asked for and that the filter keeps out, or that can't be had.
    """

    unknown: list[str] = msgspec.field(default_factory=list)
    left_out: list[str] = msgspec.field(default_factory=list)


def item_of(item: SlateItem) -> FeedItem:
    """One place."""
    reason = item.reason
    return FeedItem(
        item.item_id, item.score, item.source, FeedReason(reason.kind, reason.item_id, reason.text)
    )


def ranked(answer: Answer) -> Ranked:
    """All places of an answer."""
    slate: Slate = answer.slate
    return Ranked(
        slate.user_id, slate.slate_id, slate.ts, [item_of(item) for item in slate.items], slate.model,
        slate.rung, slate.arm, slate.cause, slate.times, unknown=list(answer.unknown),
        left_out=list(answer.left_out),
    )  # fmt: skip


def ranked_answer(answer: Ranked) -> HttpAnswer:
    """As bytes, which nobody on the way keeps."""
    return json_answer(200, answer, JSON, NO_STORE)
