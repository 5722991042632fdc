"""Whether the arms of an experiment differ for a user: the slate of each other arm is made beside theirs.

An experiment may count only those whom its arms show different slates (`trigger = "slate"`): what the others
do is noise. A user is exposed by the first slate that differs. Up to then each arm has shown the same, and
whichever arm a user is in, the same slates are compared: who is exposed, and when, does not depend on it.

Slates are compared only as long as a user was not exposed, by their items in their order, from the same state
and counters. An arm whose slate can't be made shows what it falls back to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from msgspec.structs import replace as replaced

from streams.batch_slates import BatchSlates
from streams.experiments.assignment.arm_text import uncounted
from streams.ranking.request import RankRequest
from streams.recommender import Recommender

Shown = tuple[int, ...]
"""The rows of a slate's places."""


class Beside(NamedTuple):
    """What one user's slate is compared with for one experiment. `served`: their arm, as its text says it."""

    user: str
    served: str
    requests: list[RankRequest]


def beside(recommender: Recommender, requests: Sequence[RankRequest]) -> list[Beside]:
    """What the slates of these requests are to be compared with. Arms that come to the same stages and model
    show the same, unless what is learned goes by the arm or places are drawn.
    """
    found = []
    for request in requests:
        for compared in recommender.arms.assignment.to_compare(request.arm, request.state):
            others = [_with_arm(recommender, request, arm) for arm in compared.others]
            found.append(Beside(request.user, compared.served, others))
    return found


def triggered(recommender: Recommender, made: BatchSlates, compared: Sequence[Beside]) -> BatchSlates:
    """The slates as they are, with what does not differ marked as not counting."""
    if not compared:
        return made
    others = iter(_shown(recommender, [request for each in compared for request in each.requests]))
    shown = {slate.user_id: look.rows for slate, look in zip(made.slates, made.looks, strict=True)}
    same: dict[str, list[str]] = {}
    for each in compared:
        of_others = [next(others) for _ in each.requests]
        if all(rows == shown.get(each.user) for rows in of_others):
            same.setdefault(each.user, []).append(each.served)
    return made._replace(
        slates=[replaced(slate, arm=_marked(slate.arm, slate.user_id, same)) for slate in made.slates],
        looks=[
            replaced(look, arm=_marked(look.arm, slate.user_id, same))
            for slate, look in zip(made.slates, made.looks, strict=True)
        ],
    )


def _with_arm(recommender: Recommender, request: RankRequest, arm: str) -> RankRequest:
    made = recommender.arms.of(arm, request.plan.rung)
    return replace(request, arm=arm, plan=made.plan, model=made.model, explain=False)


def _shown(recommender: Recommender, requests: Sequence[RankRequest]) -> list[Shown]:
    """What each of these would show; () where that can't be made at all."""
    try:
        return recommender.shown(requests)
    except Exception:  # one user's slate, or the model: find out whose
        return [_shown_or_less(recommender, request) for request in requests]


def _shown_or_less(recommender: Recommender, request: RankRequest) -> Shown:
    """As `batch_slates` falls back."""
    steps = [request]
    if request.plan.settings.rescoring.enabled:
        steps.append(replace(request, plan=recommender.arms.of(request.arm, "counters").plan))
    for step in steps:
        try:
            return recommender.shown([step])[0]
        except Exception:  # noqa: S112  what was made says so where it is the user's own
            continue
    return ()


def _marked(text: str, user: str, same: Mapping[str, list[str]]) -> str:
    for served in same.get(user, ()):
        text = uncounted(text, served)
    return text
