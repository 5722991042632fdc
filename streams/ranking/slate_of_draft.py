"""The slate of a draft that went through all stages, and its id.

A slate's id is a function of what made it. A replay of the same request gives it again. Two slates of one
user have different ids where they differ in cause, moment, arm, model, stage settings, rung or anything that
the request asks for. What counters and catalog say at that moment is no part of it: cause and moment stand
for that. A field that is set to its default is the same as one that nobody sets, and the order of excluded
items means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams.ranking.draft import Draft
from streams.ranking.explanations import FOR_YOU
from streams.ranking.request import NO_FILTER, ItemFilter, RankRequest
from streams.ranking.slate import Slate, SlateItem, slate_id


def slate_of(draft: Draft, item_ids: Sequence[str], sources: Sequence[str]) -> Slate:
    """Places that nobody asked reasons for are "for you"."""
    request = draft.request
    plan = request.plan
    made_of = (request.user, request.cause, request.now_ms, request.arm, draft.model, *_asked(request))
    if draft.adapted:  # else the id is as if nothing could learn
        made_of = (*made_of, "adapted")
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


def _asked(request: RankRequest) -> tuple[Any, ...]:
    """What the request asks for besides its arm and model."""
    plan, search = request.plan, request.search
    return (
        plan.digest,
        plan.rung,
        request.surface,
        request.places,
        None if search is None else (search.text, search.vector.tobytes()),
        frozenset(request.exclude),
        frozenset(request.score_also),
        None if request.filter == NO_FILTER else _filter(request.filter),
        request.complete,
        request.explain,
    )


def _filter(asked: ItemFilter) -> tuple[Any, ...]:
    prices = [None if price is None else float(price) for price in (asked.price_from, asked.price_to)]
    return (
        frozenset(asked.categories),
        frozenset(asked.tags),
        asked.attributes,
        *prices,
        asked.available,
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
