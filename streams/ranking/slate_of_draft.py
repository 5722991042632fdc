"""The slate of a draft that went through all stages."""

from __future__ import annotations

from collections.abc import Sequence

from streams.ranking.draft import Draft
from streams.ranking.explanations import FOR_YOU
from streams.ranking.slate import Slate, SlateItem, slate_id


def slate_of(draft: Draft, item_ids: Sequence[str], sources: Sequence[str]) -> Slate:
    """Its id is a function of what made it, so that a replay gives it again. Places that nobody asked reasons
    for are "for you".
    """
    request = draft.request
    plan = request.plan
    made_of = (request.user, request.cause, request.now_ms, request.arm, draft.model, plan.digest)
    return Slate(
        slate_id=slate_id(*made_of),
        user_id=request.user,
        ts=request.now_ms,
        items=_items(draft, item_ids, sources),
        model=draft.model,
        rung=plan.rung if draft.model or plan.rung == "popular" else "counters",
        arm=request.arm,
        cause=request.cause,
    )


def _items(draft: Draft, item_ids: Sequence[str], sources: Sequence[str]) -> list[SlateItem]:
    order = draft.order
    rows, origins = draft.rows[order].tolist(), draft.origin[order].tolist()
    scores = draft.score[order].astype(float).round(6).tolist()
    reasons = draft.reasons or [FOR_YOU] * len(rows)
    return [
        SlateItem(item_ids[row], score, sources[origin], reason)
        for row, score, origin, reason in zip(rows, scores, origins, reasons, strict=True)
    ]
