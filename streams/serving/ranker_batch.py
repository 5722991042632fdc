"""One batch of a ranker, in the core's thread: from what is asked, and what the store has, to slates."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from model.errors import StoreError
from streams.batch_slates import steps_of
from streams.ranking.interleaving import brought, interleaved, sides_of
from streams.ranking.request import RankRequest
from streams.ranking.score_parts import PlacedScores, ScorePart, parts_of_both, placed_scores
from streams.ranking.slate_of_draft import slates_of
from streams.recommender import Recommender
from streams.serving.ranker_asked import Answer
from streams.serving.ranker_request import Waiting, request_of
from streams.state import user_state_codec
from streams.state.session import with_session
from streams.triggering import triggered_alone

log = logging.getLogger(__name__)


class RankedBatch(NamedTuple):
    """`answers`: of each request, or why it has none. `missed`: how many requests named each model that is
    not in service. `newest`: a row that a state names and that is still to be met; -1 where all went well.
    """

    answers: Sequence[Answer | Exception]
    missed: Mapping[str, int] = {}
    newest: int = -1


def rank(
    recommender: Recommender, waiting: Sequence[Waiting], now_ms: int, whole: bool = False
) -> RankedBatch:
    """Slates as a worker makes them: the user's arms, and without a model by the counters alone.

    whole: where a state names an item that is still to be met, nothing is made; else all the others are.
    """
    answers: list[Answer | Exception] = [_unknown_rows() for _ in waiting]
    requests: dict[int, RankRequest] = {}
    unknown: dict[int, tuple[str, ...]] = {}
    newest = -1
    for at, each in enumerate(waiting):
        try:
            state, in_session = user_state_codec.decode(each.state), list[int]()
            if each.session is not None:
                session = user_state_codec.decode(each.session)
                in_session = session.items.tolist()
                state = with_session(state, session, recommender.settings.state)
            named = state.newest_row()
            newest = max(newest, named)
            if named < len(recommender.catalog):
                requests[at], unknown[at] = request_of(recommender, each, state, in_session, now_ms)
        except Exception as error:  # whatever it is, the others must not suffer for it
            answers[at] = error
    if whole and newest >= len(recommender.catalog):
        return RankedBatch(answers, newest=newest)
    for at, made in zip(requests, _made(recommender, list(requests.values())), strict=True):
        answers[at] = made if isinstance(made, Exception) else made._replace(unknown=unknown[at])
    return RankedBatch(answers, recommender.pipeline.models.missed())


def _unknown_rows() -> StoreError:
    """One of its own for each: an error that is raised again holds all that raised it before."""
    return StoreError("a state names an item that is still to be read")


def _made(recommender: Recommender, requests: Sequence[RankRequest]) -> list[Answer | Exception]:
    """A slate for each request, or why it has none; one that fails takes no other one with it."""
    if not requests:
        return []
    try:
        return list(_answers(recommender, requests))
    except Exception:  # one of them, or the model: find out which
        return [_alone(recommender, request) for request in requests]


def _alone(recommender: Recommender, request: RankRequest) -> Answer | Exception:
    """As it asks, else from the counters alone."""
    for step in steps_of(recommender, request):
        try:
            return _answers(recommender, [step])[0]
        except Exception as error:
            log.exception("a slate on request could not be made on rung %s", step.plan.rung)
            failed = error
    return failed


def _answers(recommender: Recommender, requests: Sequence[RankRequest]) -> list[Answer]:
    ids, popularity = recommender.catalog.ids, recommender.counters.popularity
    mean = popularity.mean_rating() if popularity.all_rating_count else None
    sides = sides_of(requests)
    batch = recommender.pipeline.execute(sides.requests)
    orders = slates_of(batch, range(len(batch)), ids, recommender.pipeline.names)
    slates, _ = interleaved(sides, orders)
    scores, answers = placed_scores(batch, range(len(batch)), mean), list[Answer]()
    for slate, request, of in zip(slates, requests, sides.of, strict=True):
        left_out: tuple[str, ...] = ()
        if request.candidates is not None and len(batch.given[of[0]]) < len(request.candidates):
            given, guests = set(batch.given[of[0]].tolist()), batch.guests
            rows = guests.rows(sides.requests[of[0]]).tolist()
            left_out = tuple(guests.item_id(ids, row) for row in rows if row not in given)
        its_scores: PlacedScores | Sequence[ScorePart] = scores[of[0]]
        if len(of) > 1:
            both = [scores[b].parts() for b in of]
            its_scores = parts_of_both(both[0], both[1], brought(*(orders[b] for b in of)))
        answers.append(Answer(slate, request, its_scores, left_out=left_out))
    # What is compared goes through the pipeline, too: the batch is of no use behind this.
    return [
        answer._replace(slate=triggered_alone(recommender, request, answer.slate))
        for answer, request in zip(answers, requests, strict=True)
    ]
