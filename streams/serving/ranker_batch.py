"""One batch of a ranker, in the core's thread: from what is asked, and what the store has, to slates."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from model.errors import StoreError
from model.schema import F32
from streams.batch_slates import steps_of
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import NEVER, Slates
from streams.ranking.given_fields import CandidateFields, GivenFields
from streams.ranking.interleaving import brought, interleaved, sides_of
from streams.ranking.request import RankRequest, Search
from streams.ranking.score_parts import PlacedScores, ScorePart, parts_of_both, placed_scores
from streams.ranking.slate_of_draft import slates_of
from streams.recommender import Recommender
from streams.serving.ranker_asked import Answer, Asked
from streams.state import user_state_codec
from streams.state.catalog import Catalog
from streams.state.event_meaning import Said
from streams.state.session import with_session
from streams.state.user_state import UserState
from streams.triggering import triggered_alone

log = logging.getLogger(__name__)


class Waiting(NamedTuple):
    """What is asked, and of whom: the states of user and session and the user's kept slates, as the store has
    them. `query`: the vector of the query, where it has one. `texts`: those of candidates' texts.
    """

    asked: Asked
    state: bytes | None
    query: F32 | None = None
    session: bytes | None = None
    slates: bytes | None = None
    texts: Said = MappingProxyType({})


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
                requests[at], unknown[at] = _request(recommender, each, state, in_session, now_ms)
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


def _request(
    recommender: Recommender, waiting: Waiting, state: UserState, in_session: Sequence[int], now_ms: int
) -> tuple[RankRequest, tuple[str, ...]]:
    """The request, and the items that it names and nobody knows. in_session: rows that were met there."""
    asked, rows = waiting.asked, recommender.catalog.rows
    arm = asked.arm or recommender.arms_of(asked.user, state, now_ms, asked.surface)
    fields: dict[str, Any] = {"user": asked.user, "cause": asked.cause, "surface": asked.surface}
    unknown: tuple[str, ...] = ()
    size = asked.size
    candidates = dict[str, int]()
    if (known := known_rows(asked, rows)) is not None:
        fields["candidates"], size = known, min(size or len(known), len(known))
    elif asked.items is not None:
        candidates, named = candidates_of(asked, rows), len(set(asked.items))
        fields["candidates"] = tuple(candidates.values())
        if len(candidates) < named:
            unknown = tuple(item for item in dict.fromkeys(asked.items) if item not in candidates)
        size = min(size or named, max(len(candidates), 1))
        if given := given_of(asked, candidates, waiting.texts, recommender.catalog):
            fields["given"] = GivenFields(given, asked.relevancy_weight)
    exclude = [at[item] for item in asked.exclude for at in (rows, candidates) if item in at]
    if asked.items is None:
        exclude += in_session  # what was met in the session does not come back either
    if asked.not_seen_for_ms:
        slates = kept_slates_codec.decode(waiting.slates).slates
        wait_ms = recommender.settings.learning.wait_ms
        exclude += shown_since(slates, now_ms - asked.not_seen_for_ms, wait_ms)
    if exclude:
        fields["exclude"] = tuple(dict.fromkeys(exclude))
    if waiting.query is not None:
        fields["search"] = Search(asked.query, waiting.query)
    if asked.context:
        state = msgspec.structs.replace(state, profile={**state.profile, **asked.context})
    stages_of = recommender.worthwhile("full")
    made = recommender.request(
        state, now_ms, stages_of=stages_of, arm=arm, size=size, filter=asked.filter, **fields
    )
    return made, unknown


def known_rows(asked: Asked, rows: Mapping[str, int]) -> tuple[int, ...] | None:
    """The rows of the candidates where there are several, the catalogue has each, none is named twice and
    nothing is said of any: the usual case, which costs 300 of them a fifth of what `candidates_of` does.
    """
    items = asked.items
    if items is None or len(items) < 2 or asked.given:
        return None
    with contextlib.suppress(KeyError):
        found: tuple[int, ...] = itemgetter(*items)(rows)
        if len(set(found)) == len(items):
            return found
    return None


def candidates_of(asked: Asked, rows: Mapping[str, int]) -> dict[str, int]:
    """The rows of the candidates by their ids; below 0 those that the catalogue lacks and the caller
    describes. What nobody knows and nobody describes is left out.
    """
    found, guests = dict[str, int](), 0
    for item in dict.fromkeys(asked.items or ()):
        if item in rows:
            found[item] = rows[item]
        elif item in asked.given and asked.given[item].says_what_it_is:
            guests += 1
            found[item] = -guests
    return found


def given_of(
    asked: Asked, candidates: Mapping[str, int], texts: Said, catalog: Catalog
) -> dict[int, CandidateFields]:
    """What is said of these candidates, by row. An item that is shown is known from then on, by its id alone:
    the text that describes it counts until it is announced with one.
    """
    found = {}
    for item, row in candidates.items() if asked.given else ():
        if (told := asked.given.get(item)) is not None:
            text = None if catalog.has_own_text(row) else texts.get(told.as_text)
            found[row] = replace(told.fields, item_id=item if row < 0 else "", text=text)
    return found


def shown_since(slates: Slates, since_ms: int, wait_ms: int) -> list[int]:
    """The rows that were shown from a moment on, as far as these slates tell. Of one that is closed it is not
    known any more which places were shown: all of them count.
    """
    rows: list[int] = []
    for slate in slates:
        if slate.shown_ms != NEVER:
            rows += slate.shown if slate.shown_ms >= since_ms else ()
        elif slate.closed_ms != NEVER and slate.closed_ms - wait_ms >= since_ms:
            rows += slate.rows
    return rows


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
