"""Whether the arms of an experiment differ for a user: the slate of each other arm is made beside theirs.

An experiment may count only those whom its arms show different slates (`trigger = "slate"`): what the others
do is noise. A user is exposed by the first slate that differs. Up to then each arm has shown the same, and
whichever arm a user is in, the same slates are compared: who is exposed, and when, does not depend on it.

Slates are compared only as long as a user was not exposed, by their items in their order, from the same state
and counters. An arm whose slate can't be made shows what it falls back to. A slate that is drafted of two
orders for another experiment is compared by both orders: coins say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from streams.batch_slates import BatchSlates, steps_of
from streams.experiments.assignment.arm_text import uncounted
from streams.ranking.guests import rows_of
from streams.ranking.interleaving import sides_of
from streams.ranking.request import RankRequest
from streams.ranking.slate import Slate
from streams.recommender import Recommender

Shown = tuple[int, ...]
"""The rows of a slate's places."""


class Comparison(NamedTuple):
    """What one user's slate is compared with for one experiment. `served`: their arm, as its text says it.
    `own`: their own request, where the slate is drafted of two orders; else none, since the slate is there.
    """

    user: str
    served: str
    own: list[RankRequest]
    others: list[RankRequest]


Fit = Callable[[RankRequest], RankRequest]
"""Makes of the request of another arm what would be asked in its place."""


def _as_it_is(request: RankRequest) -> RankRequest:
    return request


def beside(
    recommender: Recommender, requests: Sequence[RankRequest], fit: Fit = _as_it_is
) -> list[Comparison]:
    """What the slates of these requests are to be compared with. Arms that come to the same stages and model
    show the same, unless what is learned goes by the arm or places are drawn.
    """
    found = []
    for request in requests:
        for compared in recommender.arms.assignment.to_compare(request.arm, request.state):
            own = [] if request.against is None else [request]
            others = [fit(_with_arm(recommender, request, arm)) for arm in compared.others]
            found.append(Comparison(request.user, compared.served, own, others))
    return found


def triggered(recommender: Recommender, made: BatchSlates, compared: Sequence[Comparison]) -> BatchSlates:
    """The slates as they are, with what does not differ marked as not counting."""
    if not compared:
        return made
    shown = {slate.user_id: look.rows for slate, look in zip(made.slates, made.looks, strict=True)}
    same = _same(recommender, compared, shown)
    return made._replace(
        slates=[replace(slate, arm=_marked(slate.arm, slate.user_id, same)) for slate in made.slates],
        looks=[
            replace(look, arm=_marked(look.arm, slate.user_id, same))
            for slate, look in zip(made.slates, made.looks, strict=True)
        ],
    )


def triggered_alone(
    recommender: Recommender, request: RankRequest, slate: Slate, fit: Fit = _as_it_is
) -> Slate:
    """The same of one slate that nobody keeps."""
    compared = beside(recommender, [request], fit)
    if not compared:
        return slate
    rows = rows_of(request, recommender.catalog, [item.item_id for item in slate.items])
    shown = {request.user: tuple(rows)}
    return replace(slate, arm=_marked(slate.arm, request.user, _same(recommender, compared, shown)))


def _same(
    recommender: Recommender, compared: Sequence[Comparison], shown: Mapping[str, Shown]
) -> dict[str, list[str]]:
    """By user: the arms, as texts have them, that differ from no other one. shown: what each user's slate
    shows.
    """
    asked = [each for beside in compared for each in (*beside.own, *beside.others)]
    orders_of = iter(_orders(recommender, asked))
    same: dict[str, list[str]] = {}
    for each in compared:
        own = next(orders_of) if each.own else [shown.get(each.user, ())]
        of_others = [next(orders_of) for _ in each.others]
        if all(orders == own for orders in of_others):
            same.setdefault(each.user, []).append(each.served)
    return same


def _with_arm(recommender: Recommender, request: RankRequest, arm: str) -> RankRequest:
    made = recommender.arms.of(arm, request.plan.rung)
    return replace(request, arm=arm, plan=made.plan, model=made.model, against=made.against, explain=False)


def _orders(recommender: Recommender, requests: Sequence[RankRequest]) -> list[list[Shown]]:
    """What each of these would show, of a slate that is drafted of two orders both; () where that can't be
    made at all.
    """
    sides = sides_of(requests)
    try:
        shown = recommender.shown(sides.requests)
    except Exception:  # one user's slate, or the model: find out whose
        return [_orders_or_less(recommender, request) for request in requests]
    return [[shown[at] for at in places] for places in sides.of]


def _orders_or_less(recommender: Recommender, request: RankRequest) -> list[Shown]:
    for step in steps_of(recommender, request):
        try:
            return recommender.shown(sides_of([step]).requests)
        except Exception:  # noqa: S112  what was made says so where it is the user's own
            continue
    return [()]


def _marked(text: str, user: str, same: Mapping[str, list[str]]) -> str:
    for served in same.get(user, ()):
        text = uncounted(text, served)
    return text
