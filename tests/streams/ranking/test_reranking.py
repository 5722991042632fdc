"""From scores to places."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.ranking.draft import Draft
from streams.ranking.rerankers.fresh_place import FreshPlace
from streams.ranking.reranking import Rerank
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog
from tests.streams.core import START_MS, Small, batch_of

FRESH, YEAR_MS = 1, 365 * 86_400_000


class Scored:
    """Candidates with these scores; `fresh_ranks` in the second source (0: absent)."""

    def __init__(self, scores: Sequence[float], fresh_ranks: Sequence[int] = (), extra: int = 0) -> None:
        self.scores, self.fresh_ranks, self.extra = scores, fresh_ranks, extra

    def draft(self, size: int, place: int) -> Draft:
        """As reweighting leaves it."""
        small = Small(items=200)
        plan = small.core.plan({"feed": {"size": size, "fresh_place": place}})
        also = tuple(range(self.extra))
        request = small.request("u", plan=plan, score_also=also, now_ms=START_MS)
        batch = batch_of(small.core, [request], [len(self.scores)])
        batch.ranks[: len(self.fresh_ranks), FRESH] = self.fresh_ranks
        batch.score[:] = self.scores
        return batch.draft(0)


def scored(scores: Sequence[float], fresh_ranks: Sequence[int] = (), extra: int = 0) -> Scored:
    return Scored(scores, fresh_ranks, extra)


def order(asked: Scored, size: int, place: int = 0, old: Sequence[int] = (), known: bool = True) -> list[int]:
    """`old`: candidates that are no longer new. `known`: whether there is a source of new items."""
    draft = asked.draft(size, place)
    catalog = Catalog()
    catalog.extend([f"i{row}" for row in range(200)], START_MS)
    catalog.added_ms[draft.rows[list(old)]] = START_MS - YEAR_MS
    Rerank(Workspace(), (FreshPlace(catalog, FRESH if known else -1),)).run(draft.batch, [0])
    found: list[int] = draft.order.tolist()
    return found


def test_the_best_come_first_and_ties_keep_the_pools_order() -> None:
    assert order(scored([1, 3, 2, 3]), 3) == [1, 3, 2]
    assert order(scored([5, 5, 5]), 2) == [0, 1]


def test_extra_candidates_are_never_placed() -> None:
    assert order(scored([1, 2, 9], extra=1), 5) == [1, 0]


def test_a_new_item_takes_its_place_and_pushes_the_rest_down() -> None:
    draft = scored([9, 8, 7, 6, 1, 2], fresh_ranks=[0, 0, 0, 0, 1, 2])
    assert order(draft, 4, place=2) == [0, 4, 1, 2]


def test_the_newest_of_the_new_is_chosen_not_the_best_scored() -> None:
    draft = scored([9, 8, 7, 2, 1], fresh_ranks=[0, 0, 0, 2, 1])
    assert order(draft, 3, place=3) == [0, 1, 4]


def test_a_new_item_that_earned_its_place_is_enough() -> None:
    draft = scored([9, 8, 7, 6, 1], fresh_ranks=[0, 2, 0, 0, 1])
    assert order(draft, 3, place=2) == [0, 1, 2]


def test_an_old_item_on_the_slate_does_not_count_as_new() -> None:
    """In a small catalog the source brings items of any age."""
    draft = scored([9, 8, 7, 6, 1], fresh_ranks=[0, 2, 0, 3, 1])
    assert order(draft, 3, place=2, old=[1, 3]) == [0, 4, 1]
    assert order(draft, 3, place=2, old=[1, 3, 4]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("place", "known"), [(0, True), (4, True), (2, False)], ids=["none kept", "beyond the slate", "no source"]
)
def test_no_place_is_kept(place: int, known: bool) -> None:
    draft = scored([9, 8, 7, 1], fresh_ranks=[0, 0, 0, 1])
    assert order(draft, 3, place, known=known) == [0, 1, 2]


def test_no_candidates_give_no_places() -> None:
    assert order(scored([]), 5, place=1) == []
