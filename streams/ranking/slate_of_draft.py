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
from streams.ranking.explanations import FOR_YOU, GIVEN
from streams.ranking.given_fields import given_parts
from streams.ranking.rank_batch import NamedSlate, RankBatch
from streams.ranking.request import NO_FILTER, ItemFilter, RankRequest
from streams.ranking.slate import Slate, SlateItem, slate_id


def slate_of(draft: Draft, item_ids: Sequence[str], sources: Sequence[str]) -> Slate:
    """The slate of one draft."""
    return slates_of(draft.batch, [draft.number], item_ids, sources)[0]


def slates_of(
    batch: RankBatch, chosen: Sequence[int], item_ids: Sequence[str], sources: Sequence[str]
) -> list[Slate]:
    """The slates of these requests. Places that nobody asked reasons for are "for you"."""
    at, first = batch.placed(chosen)
    rows, origins = batch.rows[at].tolist(), batch.origin[at].tolist()
    ids = batch.guests.item_ids(item_ids, rows)
    scores = batch.score[at].astype(float).round(6).tolist()
    named = (*sources, GIVEN)  # the last one is that of origin -1
    brought_by = [named[origin] for origin in origins]
    slates = []
    for b, begin, end in zip(chosen, first, first[1:], strict=False):
        reasons = batch.reasons[b] or [FOR_YOU] * (end - begin)
        items = list(map(SlateItem, ids[begin:end], scores[begin:end], brought_by[begin:end], reasons))
        slates.append(_slate(batch.draft(b), items))
    return slates


def _slate(draft: Draft, items: list[SlateItem]) -> Slate:
    request, told = draft.request, draft.propensities
    return Slate(
        slate_id=id_of(draft),
        user_id=request.user,
        ts=request.now_ms,
        items=items,
        model=draft.model,
        rung=request.rung,
        arm=request.arm,
        cause=request.cause,
        propensities=None if told is None else told.astype(float).tolist(),
    )


def id_of(draft: Draft) -> str:
    """The id of the slate that a scored draft becomes; made once, for what draws it asks for it too."""
    request, ids = draft.request, draft.batch.ids
    known = ids.get(draft.number)
    moved = draft.adapted, draft.tried
    if known is None or known[0] is not request or known[1:4] != (draft.model, *moved):
        made_of = (request.user, request.cause, request.now_ms, request.arm, draft.model, *_asked(request))
        # Without what follows, it is as if nothing could learn.
        name = slate_id(
            *made_of, *(part for part, is_so in zip(("adapted", "tried"), moved, strict=True) if is_so)
        )
        known = ids[draft.number] = NamedSlate(request, draft.model, *moved, name)
    return known.slate_id


def _asked(request: RankRequest) -> tuple[Any, ...]:
    """What the request asks for besides its arm and model."""
    plan, search = request.plan, request.search
    given = () if request.candidates is None else ("candidates", request.candidates)
    return (
        plan.digest,
        plan.rung,
        request.surface,
        request.places,
        None if search is None else (search.text, search.vector.tobytes()),
        frozenset(request.exclude),
        frozenset(request.score_also),
        None if request.filter is NO_FILTER or request.filter == NO_FILTER else filter_parts(request.filter),
        request.complete,
        request.explain,
        *given,
        *_suiting(request),
        *given_parts(request.given),
    )


def _suiting(request: RankRequest) -> tuple[Any, ...]:
    """Nothing where nothing is said, so that other slates keep their ids."""
    suiting = request.suiting
    if suiting is None:
        return ()
    return ("suiting", suiting.rows.tobytes(), suiting.score.tobytes(), float(suiting.net))


def filter_parts(asked: ItemFilter) -> tuple[Any, ...]:
    """What names a filter, in a slate's id and elsewhere."""
    prices = [None if price is None else float(price) for price in (asked.price_from, asked.price_to)]
    return (
        frozenset(asked.categories),
        frozenset(asked.tags),
        asked.attributes,
        *prices,
        asked.available,
        *(() if asked.expression is None else (asked.expression,)),
    )
