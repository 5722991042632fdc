"""A search as its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from streams.gateway.ranking.ranked import Ranked, ranked
from streams.gateway.searching.facets import Facet, answered_facets

if TYPE_CHECKING:
    from streams.serving.ranker_asked import Answer
    from streams.serving.searcher import Found


class NamedThing(msgspec.Struct):
    """What a query names. `kind`: "category", "maker" or "entity" (of the knowledge graph)."""

    kind: str
    name: str


class Understood(msgspec.Struct):
    """What was understood of a query. `corrected`: how it was probably meant, null where it is well spelt.
    `price_from`, `price_to`: bounds that it names; `relaxed`: nothing lies within them, so they were left
    out. `price_leaning`: "low" where it asks for what is cheap, "high" for what is dear.
    """

    corrected: str | None = None
    price_from: float | None = None
    price_to: float | None = None
    price_leaning: str | None = None
    relaxed: bool = False
    names: list[NamedThing] = msgspec.field(default_factory=list)


class SearchResult(Ranked, kw_only=True):
    """The places of a search; as a feed that was ranked now. `source` of a place: the part of its score that
    is the largest. `understood`: see there; null on a further page. `found`: how many items were scored;
    in another order than relevance, `total`. `personal`: how much the user's history counted, from 0 to 1.
    Send `slate_id` and the query back with clicks.

    Where facets or another order were asked for, on the first page: `total`: how many items match the words
    and the filter. `exact`: whether these are all of them. `matched_by`: "words", they have all of the
    query's; "some_words", the most that any item has; "names", they are of what it names; "meaning", they are
    what is nearest; "everything" where there is no query. `facets`: see there; they count these items.
    """

    query: str = ""
    understood: Understood | None = None
    found: int = 0
    personal: float = 0.0
    total: int | None = None
    exact: bool | None = None
    matched_by: str | None = None
    facets: list[Facet] = msgspec.field(default_factory=list)


def first_page(made: Found, at: Sequence[int], explain: bool, cursor: str | None) -> SearchResult:
    """The first places of a search."""
    prices = made.understood.prices
    understood = Understood(
        corrected=made.understood.corrected or None,
        price_from=prices.low,
        price_to=prices.high,
        price_leaning={-1: "low", 0: None, 1: "high"}[prices.leaning],
        relaxed=made.relaxed,
        names=[NamedThing(each.kind, each.name) for each in made.understood.named],
    )
    result = page(made.answer, made.understood.text, at, explain, cursor)
    result.understood, result.found, result.personal = understood, made.found, round(made.personal, 6)
    if (matches := made.matches) is not None:
        result.total, result.exact, result.matched_by = len(matches.rows), matches.exact, matches.by
        result.facets = answered_facets(matches.facets)
    return result


def page(answer: Answer, query: str, at: Sequence[int], explain: bool, cursor: str | None) -> SearchResult:
    """The places `at` of a search."""
    shown = ranked(answer, at, explain, cursor)
    fields = {name: getattr(shown, name) for name in Ranked.__struct_fields__}
    return SearchResult(query=query, **fields)
