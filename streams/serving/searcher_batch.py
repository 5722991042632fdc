"""One batch of searches, in the core's thread: what each query finds, then one run of the model for all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from model.errors import HeadraceError, RankerUnreadyError
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.searching import Begun, SearchAnswer, SearchAsked, begin, made_of, search
from streams.search.sorted_search import sorted_search
from streams.state import user_state_codec
from streams.state.user_state import UserState

log = logging.getLogger(__name__)


class WaitingSearch(NamedTuple):
    """`asked`: tells what is asked, once the core comes to it: it may still have to read the query. `state`:
    of the user, as the store has it.
    """

    asked: Callable[[], SearchAsked]
    state: bytes | None = None


class SearchedBatch(NamedTuple):
    """`answers`: of each search, or why it has none. `newest`: a row that a state names and that is still to
    be met; -1 where all went well.
    """

    answers: Sequence[SearchAnswer | Exception]
    newest: int = -1


def search_all(
    recommender: Recommender,
    index: SearchIndex,
    waiting: Sequence[WaitingSearch],
    now_ms: int,
    whole: bool = False,
) -> SearchedBatch:
    """Where the model fails, the counters rank. whole: where a state names an item that is still to be met,
    nothing is made; else all the others are.
    """
    answers: list[SearchAnswer | Exception] = [_unmet() for _ in waiting]
    states: dict[int, UserState] = {}
    newest = -1
    for at, each in enumerate(waiting):
        try:
            state = user_state_codec.decode(each.state)
        except Exception as error:  # whatever it is, the others must not suffer for it
            answers[at] = error
            continue
        named = state.newest_row()
        newest = max(newest, named)
        if named < len(recommender.catalog):
            states[at] = state
    if whole and newest >= len(recommender.catalog):
        return SearchedBatch(answers, newest)
    begun: dict[int, Begun] = {}
    for at, state in states.items():
        try:
            its = waiting[at].asked()
            if its.wanted.sorted:
                answers[at] = _noted(index, its, sorted_search(recommender, index, its, now_ms))
            else:
                begun[at] = begin(recommender, index, its, state, now_ms)
        except Exception as error:
            answers[at] = error
    asked = {at: (each.asked, states[at]) for at, each in begun.items()}
    for at, made in zip(begun, _made(recommender, index, begun, asked, now_ms), strict=True):
        answers[at] = made
        if isinstance(made, SearchAnswer):
            _noted(index, asked[at][0], made)
    return SearchedBatch(answers)


def _unmet() -> RankerUnreadyError:
    """One of its own for each: an error that is raised again holds all that raised it before."""
    return RankerUnreadyError("the user's state names items that are still to be read")


def _made(
    recommender: Recommender,
    index: SearchIndex,
    begun: dict[int, Begun],
    asked: dict[int, tuple[SearchAsked, UserState]],
    now_ms: int,
) -> Sequence[SearchAnswer | Exception]:
    if not begun:
        return []
    try:
        return made_of(recommender, list(begun.values()))
    except Exception:  # one of them, or the model: find out which
        return [_alone(recommender, index, *asked[at], now_ms) for at in begun]


def _alone(
    recommender: Recommender, index: SearchIndex, asked: SearchAsked, state: UserState, now_ms: int
) -> SearchAnswer | Exception:
    try:
        return search(recommender, index, asked, state, now_ms)
    except HeadraceError as error:
        return error
    except Exception:
        log.exception("a search could not be scored by the model; the counters rank it")
    try:
        return search(recommender, index, asked, state, now_ms, stages_of="counters")
    except Exception as error:
        return error


def _noted(index: SearchIndex, asked: SearchAsked, made: SearchAnswer) -> SearchAnswer:
    """Queries that find something are completed for others."""
    understood = asked.understood
    if made.slate.items and not understood.empty:
        index.queries.note(understood.corrected or understood.text, asked.user)
    return made
