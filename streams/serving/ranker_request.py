"""From what a ranker is asked to a request of the core: ids become rows, and what is said of the caller's own
candidates stands by row.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from model.schema import F32
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import NEVER, Slates
from streams.ranking.given_fields import CandidateFields, GivenFields
from streams.ranking.request import RankRequest, Search
from streams.recommender import Recommender
from streams.serving.ranker_asked import Asked
from streams.state.catalog import Catalog
from streams.state.event_meaning import Said
from streams.state.user_state import UserState


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


def request_of(
    recommender: Recommender, waiting: Waiting, state: UserState, in_session: Sequence[int], now_ms: int
) -> tuple[RankRequest, tuple[str, ...]]:
    """The request, and the items that it names and nobody knows. in_session: rows that were met there.

    Raises `RequestError` for what can't be asked.
    """
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
