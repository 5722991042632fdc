"""A search in another order than relevance: all that matches, by price, age or popularity.

No model runs, and nobody's history counts. What is shown is logged as any search is, with the default arm, no
model and no propensities: it is no arm's slate, so no experiment counts it, and nothing that learns from how
likely a place was has anything to learn of it.
"""

from __future__ import annotations

from streams.ranking.request_checks import check
from streams.ranking.slate_of_draft import filter_parts
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.matches import matches
from streams.search.searching import SearchAnswer, SearchAsked
from streams.search.sorting import in_order, slate_in_order


def sorted_search(
    recommender: Recommender, index: SearchIndex, asked: SearchAsked, now_ms: int
) -> SearchAnswer:
    """All places of it, `search.sorted_results` at most. Raises `RequestError` for what can't be asked."""
    catalog, wanted = recommender.catalog, asked.wanted
    check({"filter": asked.filter}, len(catalog), catalog.text.shape[1])
    exclude = tuple(catalog.rows[item] for item in asked.exclude if item in catalog.rows)
    found = matches(recommender, index, asked.understood, asked.vector, asked.filter, exclude, wanted)
    most = max(index.settings.sorted_results, asked.size)
    ordered = in_order(recommender, found.rows, wanted.sort, now_ms, most)
    slate = slate_in_order(
        recommender, ordered, wanted.sort, asked.user, asked.cause, now_ms, asked.understood.text,
        filter_parts(asked.filter), sorted(asked.exclude), asked.surface,
    )  # fmt: skip
    return SearchAnswer(slate, None, [], 0.0, len(found.rows), found.relaxed, found)
