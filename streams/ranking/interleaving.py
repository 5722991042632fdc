"""Interleaved slates: a request that names a second plan is ranked by both, and its slate is a team draft.

Both ways go through the stages as two requests of the same batch, for the same user and moment. So each order
is what its arm would show. The coins are a function of both slates' ids: a replay of the same request tosses
them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from model.schema import F32
from streams.experiments.interleaving.team_draft import CONTROL, OTHER, Drafted, drafted
from streams.learning.kept_slates import TEAMS, KeptSlate
from streams.learning.looks import F16, NO_FEATURES, Looks, pack_looks
from streams.ranking.request import RankRequest
from streams.ranking.slate import Slate, slate_id


class SideRequests(NamedTuple):
    """`requests`: of all sides. `of`: for each request that was asked, where its one or two sides stand."""

    requests: list[RankRequest]
    of: list[tuple[int, ...]]


def sides_of(requests: Sequence[RankRequest]) -> SideRequests:
    """The requests as the stages take them: those that are interleaved stand for two."""
    found: list[RankRequest] = []
    of: list[tuple[int, ...]] = []
    for request in requests:
        at, against = len(found), request.against
        if against is None:
            found.append(request)
            of.append((at,))
        else:
            first = replace(request, against=None, trial=False)
            found += [first, replace(first, plan=against.plan, model=against.model)]
            of.append((at, at + 1))
    return SideRequests(found, of)


def interleaved(
    sides: SideRequests, slates: Sequence[Slate], looks: Sequence[KeptSlate] = (), base: int = 0
) -> tuple[list[Slate], list[KeptSlate]]:
    """A slate for each request that was asked, of those of all its sides; and its looks, where these are
    given. `base`: the column of their features that has the score, which is left out where the two sides do
    not score alike: as choices among places such scores would teach what is not so.
    """
    made, kept = [], []
    for first, *others in sides.of:
        if not others:
            made.append(slates[first])
            kept += [looks[first]] if looks else []
            continue
        pair = slates[first], slates[others[0]]
        name = _name(*pair)
        draft = _drafted(pair, int(name, 16))
        made.append(_slate(pair, draft, name))
        if looks:
            asked = sides.requests[first], sides.requests[others[0]]
            left_out = None if _score_alike(pair, asked) else base
            kept.append(_look((looks[first], looks[others[0]]), draft, made[-1], left_out))
    return made, kept


def _score_alike(pair: tuple[Slate, Slate], asked: tuple[RankRequest, RankRequest]) -> bool:
    """Whether a point of score is the same in both orders."""
    first, second = (request.plan.settings.feed for request in asked)
    weights = (first.rating_weight, first.task_weights), (second.rating_weight, second.task_weights)
    return pair[0].model == pair[1].model and weights[0] == weights[1]


def brought(first: Slate, other: Slate) -> list[tuple[int, int]]:
    """Of each place of the slate that is drafted of these two: from which of them it is, and from which place
    there.
    """
    draft = _drafted((first, other), int(_name(first, other), 16))
    return list(zip(draft.sides, draft.places, strict=True))


def _name(first: Slate, other: Slate) -> str:
    return slate_id("interleaved", first.slate_id, other.slate_id)


def _drafted(pair: tuple[Slate, Slate], seed: int) -> Drafted:
    numbers: dict[str, int] = {}
    orders = [[numbers.setdefault(item.item_id, len(numbers)) for item in slate.items] for slate in pair]
    return drafted(orders[CONTROL], orders[OTHER], seed)


def _slate(pair: tuple[Slate, Slate], draft: Drafted, name: str) -> Slate:
    first, second = pair
    same = first.model == second.model
    return msgspec.structs.replace(
        first,
        slate_id=name,
        items=[pair[side].items[at] for side, at in zip(draft.sides, draft.places, strict=True)],
        model=first.model if same else f"{first.model or '-'}+{second.model or '-'}",
        propensities=list(draft.propensities),
        teams=list(draft.teams),
    )


def _look(pair: tuple[KeptSlate, KeptSlate], draft: Drafted, slate: Slate, left_out: int | None) -> KeptSlate:
    """What the places looked like: each as the side that brought it saw it, but for the column that is left
    out where both sides have it.
    """
    where = list(zip(draft.sides, draft.places, strict=True))
    looked = [look.looked() for look in pair]
    features, names = _features(looked, where)
    if left_out is not None and all(each.feature_bytes for each in looked):
        features[:, left_out] = np.nan
    scores = [each.scores for each in looked]
    return msgspec.structs.replace(
        pair[CONTROL],
        slate_id=slate.slate_id,
        model=slate.model,
        rows=tuple(pair[side].rows[at] for side, at in where),
        looks=pack_looks(
            np.array([scores[side][at] for side, at in where], np.float32),
            np.array(draft.propensities, np.float32),
            features,
            names,
        ),
        drafted=bytes(TEAMS.index(team) for team in draft.teams),
    )


def _features(looked: Sequence[Looks], where: Sequence[tuple[int, int]]) -> tuple[F16, bytes]:
    """Of the first places, as many as either side kept of its own; NaN where a side has none, since no model
    scored it.
    """
    parts = [each.features for each in looked]
    known = next((each for each in looked if each.feature_bytes), None)
    if known is None:
        return NO_FEATURES, b""
    most = max(len(part) for part in parts)
    taken: F32 = np.full((min(most, len(where)), known.columns), np.nan, np.float32)
    for place, (side, at) in enumerate(where[:most]):
        if at < len(parts[side]):
            taken[place] = parts[side][at]
    return taken.astype(np.float16), known.names
