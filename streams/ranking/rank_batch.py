"""A batch of slates in the making: each stage reads it and writes its own fields."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from model.schema import F32, SeenUsers
from streams.ranking.draft import Draft
from streams.ranking.guests import NO_GUESTS, Guests
from streams.ranking.request import RankRequest
from streams.ranking.slate import Reason
from streams.ranking.user_views import UserViews, no_views

if TYPE_CHECKING:
    from streams.ranking.candidates.context import BatchContext
    from streams.ranking.candidates.lists import FoundLists
    from streams.ranking.model_in_service import ModelInService
    from streams.ranking.stage_plan import StagePlan

Rows = NDArray[np.int32]

# What fields hold until a stage writes them: shared by all batches, and never written into.
NOBODY = no_views(0, 0, 0)
NO_OFFSETS = np.zeros(1, np.int64)
NO_ROWS = np.empty(0, np.int32)
NO_RANKS = np.empty((0, 0), np.int32)
NO_PLACES = np.empty(0, np.intp)
NO_ORIGIN = np.empty(0, np.int8)
NO_FEATURES: F32 = np.empty((0, 0), np.float32)
NO_SCORES: F32 = np.empty(0, np.float32)
NO_OFFSETS.flags.writeable = False


class NamedSlate(NamedTuple):
    """The id of a slate, and of what it is one."""

    request: RankRequest
    model: str
    adapted: bool
    tried: bool
    slate_id: str


class RankBatch:
    """B requests with N candidates, which lie end to end: those of request b from `offsets[b]` on. Fields are
    empty until a stage writes them.

    remember: context: what later stages are given of the users. filter and find write there, too. guests:
    candidates that the catalogue lacks, and texts of candidates that it has.
    filter: given: by request, the rows of its own candidates that may be shown, in their order, int32 each.
    hydrate: users: what models read of them, empty where none is asked; models: which scores each request,
    None for none; seen: what that model made of the user, and which row of it is theirs.
    find: found: what each source brought for each request.
    blend: offsets int64 [B + 1]; rows int32 [N], a request's best first, behind them its `score_also`;
    ranks int32 [N, sources], places in the sources' lists from 1, 0 for none; origin int8 [N]: the source
    that ranked the row best, -1 for none.
    features: features [N, F], zero where no model is asked; featured bool [B]: where they were made.
    rescore: click, rating and `more`, the further tasks by name (NaN where a request's model lacks it): [N].
    reweight: heads [H, N], what a learner reads of the scores (`streams.ranking.heads`); score [N]; adapted
    bool [B]: where what was learned from answers is in the scores. tried: of each request whose slate is
    drafted of two orders, the scores of its candidates as an adapted order would have them, float32 each.
    avert: averted: by request, what was taken off the scores of its candidates, float32 each, where anything
    was and a model scored them.
    favour: favoured: by request, what the caller's own "boost" and "relevancy" of each candidate have added
    to the scores, float32 each.
    rerank: order: for each request its places as indices into its rows, best first.
    propensities: of each request's places, where they may have been drawn: float32 [places]; else None.
    teams: of each request that was tried, the order that brought each candidate (`trial`), int8 each.
    explored: by request, which places got another item than the best that was left, since they were drawn:
    bool [places] each.
    explain: reasons: for each request those of its places; None where none were asked for.
    ids: by request, of its slate, once somebody has asked (`slate_of_draft.id_of`).
    """

    requests: Sequence[RankRequest]
    context: BatchContext
    guests: Guests = NO_GUESTS
    users: UserViews = NOBODY
    models: list[ModelInService | None]
    seen: list[tuple[SeenUsers, int] | None]
    given: dict[int, Rows]
    found: FoundLists
    offsets: NDArray[np.int64] = NO_OFFSETS
    rows: Rows = NO_ROWS
    ranks: NDArray[np.int32] = NO_RANKS
    origin: NDArray[np.int8] = NO_ORIGIN
    features: F32 = NO_FEATURES
    featured: NDArray[np.bool_]
    click: F32 = NO_SCORES
    rating: F32 = NO_SCORES
    more: dict[str, F32]
    heads: F32 = NO_FEATURES
    score: F32 = NO_SCORES
    adapted: NDArray[np.bool_]
    tried: dict[int, F32]
    averted: dict[int, F32]
    favoured: dict[int, dict[str, F32]]
    order: list[NDArray[np.intp]]
    propensities: list[F32 | None]
    teams: dict[int, NDArray[np.int8]]
    explored: dict[int, NDArray[np.bool_]]
    reasons: list[list[Reason] | None]
    ids: dict[int, NamedSlate]

    def __init__(self, requests: Sequence[RankRequest]) -> None:
        count, self.requests = len(requests), requests
        self.models, self.seen = [None] * count, [None] * count
        self.propensities, self.reasons, self.order = [None] * count, [None] * count, []
        self.featured, self.adapted = np.zeros((2, count), np.bool_)
        self.given, self.more, self.ids = {}, {}, {}
        self.tried, self.averted, self.favoured, self.teams, self.explored = {}, {}, {}, {}, {}

    def __len__(self) -> int:
        return len(self.requests)

    def part(self, b: int) -> slice:
        """Where the candidates of request b lie."""
        return slice(int(self.offsets[b]), int(self.offsets[b + 1]))

    def text_rows(self) -> Rows:
        """Where the text of each candidate stands in the catalog's: int32 [N]."""
        return self.guests.text_rows(self.requests, self.offsets, self.rows)

    def draft(self, b: int) -> Draft:
        """What there is of request b."""
        return Draft(self, b)

    def drafts(self) -> list[Draft]:
        """All of them, in the order of the requests."""
        return [self.draft(b) for b in range(len(self))]

    def placed(self, chosen: Sequence[int]) -> tuple[NDArray[np.intp], list[int]]:
        """The places of these requests' slates as indices into `rows`, end to end, and where each slate's
        begin: one number more than there are requests.
        """
        orders = [self.order[b] for b in chosen]
        if len(orders) == 1:
            return orders[0] + self.offsets[chosen[0]], [0, len(orders[0])]
        first = [0, *accumulate(map(len, orders))]
        begins = self.offsets[np.array(chosen, np.intp)]
        return np.concatenate([NO_PLACES, *orders]) + np.repeat(begins, np.diff(first)), first

    def by_model(self, chosen: Sequence[int]) -> list[tuple[ModelInService, list[int]]]:
        """The models of these requests, and which requests each of them scores."""
        groups: dict[int, tuple[ModelInService, list[int]]] = {}
        for b in chosen:
            model = self.models[b]
            if model is not None:
                groups.setdefault(id(model), (model, []))[1].append(b)
        return list(groups.values())

    def seen_of(self, chosen: Sequence[int]) -> SeenUsers:
        """What one model made of the users of these requests, a row for each."""
        first = self.seen[chosen[0]]
        assert first is not None
        rows = [each[1] for each in map(self.seen.__getitem__, chosen) if each is not None]
        seen = first[0]
        if rows == list(range(len(seen))):
            return seen  # the usual case
        return seen.of(rows)

    def scored(self, b: int) -> bool:
        """Whether a model scores request b."""
        return self.models[b] is not None and bool(self.featured[b])

    def by_plan(self) -> list[tuple[StagePlan, NDArray[np.intp] | slice]]:
        """The different plans, and where the candidates of their requests lie."""
        plans = {id(request.plan): request.plan for request in self.requests}
        if len(plans) == 1:
            return [(plan, slice(None)) for plan in plans.values()]
        lengths = np.diff(self.offsets)
        of = np.repeat([id(request.plan) for request in self.requests], lengths)
        return [(plan, np.flatnonzero(of == number)) for number, plan in plans.items()]

    def keep(self, chosen: Sequence[tuple[int, NDArray[np.intp]]]) -> RankBatch:
        """A new batch with one request for each of `chosen`: a request of this one, and which of its
        candidates it keeps, in that order. Its scores are still to be made.
        """
        numbers = [b for b, _ in chosen]
        requests = [replace(self.requests[b], score_also=()) for b in numbers]
        where = [self.offsets[b] + np.asarray(places, np.int64) for b, places in chosen]
        at = np.concatenate([np.empty(0, np.int64), *where])
        kept = RankBatch(requests)
        kept.guests = self.guests
        kept.users = self.users.of(numbers) if len(self.users.history) else self.users
        kept.models = [self.models[b] for b in numbers]
        kept.seen = [self.seen[b] for b in numbers]
        kept.offsets = np.cumsum([0, *(len(each) for each in where)], dtype=np.int64)
        kept.rows, kept.ranks, kept.origin = self.rows[at], self.ranks[at], self.origin[at]
        kept.features = self.features[at] if len(self.features) else self.features
        kept.featured = self.featured[numbers]
        kept.context = self.context.keep(requests, numbers)
        return kept
