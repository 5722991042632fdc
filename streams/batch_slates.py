"""A slate for each request of a batch. A request that fails does not take the others' slates with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.learning.kept_slates import KeptSlate
from streams.ranking.request import RankRequest
from streams.ranking.slate import Slate
from streams.recommender import Recommender


class BatchSlates(NamedTuple):
    """`looks`: what each of the `slates` looks like. `unranked`: users whose slate could not be made as their
    request asks, and the error; some of them have a slate from the counters alone.
    """

    slates: list[Slate]
    looks: list[KeptSlate]
    unranked: dict[str, Exception]


def slates_of(recommender: Recommender, requests: Sequence[RankRequest]) -> BatchSlates:
    """All slates in one go; where that fails, one by one, and from the counters alone."""
    out = BatchSlates([], [], {})
    if not requests:  # a batch of impressions
        return out
    try:
        out.slates.extend(recommender.recommend(requests, out.looks))
    except Exception:  # one user's slate, or the model: find out whose
        out.looks.clear()
        for request in requests:
            out.slates.extend(_slate_of(recommender, out, request))
    return out


def steps_of(recommender: Recommender, request: RankRequest) -> list[RankRequest]:
    """The request, and what is asked for where it fails: the same from the counters alone, where a model
    scores it, or the other order of a slate that is drafted of two.
    """
    plans = [request.plan, *([] if request.against is None else [request.against.plan])]
    if not any(plan.settings.rescoring.enabled for plan in plans):
        return [request]
    made = recommender.arms.of(request.arm, "counters")
    return [request, replace(request, plan=made.plan, against=made.against)]


def _slate_of(recommender: Recommender, out: BatchSlates, request: RankRequest) -> list[Slate]:
    for step in steps_of(recommender, request):
        try:
            return recommender.recommend([step], out.looks)
        except Exception as error:  # the state is right; only this feed stays as it was
            out.unranked[request.user] = error
    return []
