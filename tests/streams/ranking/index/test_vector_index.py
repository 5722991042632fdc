"""What a search finds where items are many: recall, filters, live changes, and cells that are made beside."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.index import calibration, vector_index
from streams.ranking.index.calibration import recall
from streams.ranking.index.exact import find_exact
from streams.ranking.index.vector_index import VectorIndex
from streams.settings.ranking import IndexSettings
from tests.streams.ranking.index.vectors import KINDS, alike, same, sorted_rows, tastes

MANY = IndexSettings(from_items=1_000, watch_every=0)
LIMIT = 300


def made(vectors: F32, settings: IndexSettings = MANY) -> VectorIndex:
    index = VectorIndex("test", settings)
    index.keep_up(vectors, np.arange(len(vectors)))
    return index


Mask = NDArray[np.uint8]
Rows = NDArray[np.int32]


def of(index: VectorIndex, vectors: F32, queries: F32, blocked: Mask | None = None) -> list[Rows]:
    mask = np.zeros(len(vectors), np.uint8) if blocked is None else blocked
    return index.find(vectors, queries, [mask] * len(queries), [LIMIT] * len(queries))


def recalls(index: VectorIndex, vectors: F32, queries: F32, blocked: Mask | None = None) -> list[float]:
    mask = np.zeros(len(vectors), np.uint8) if blocked is None else blocked
    exact = find_exact(vectors, queries, [mask] * len(queries), [LIMIT] * len(queries), -np.inf)
    return [recall(*pair) for pair in zip(of(index, vectors, queries, blocked), exact, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dim", [32, 64])
def test_it_finds_what_an_exact_search_finds(kind: str, dim: int) -> None:
    vectors = KINDS[kind](20_000, dim, 1)
    index = made(vectors)
    assert index.cells is not None
    found = recalls(index, vectors, tastes(vectors, 30, 2))
    assert np.mean(found) >= 0.95
    assert min(found) >= 0.8
    if kind == "alike":
        assert index.looked[0] < 0.5 * len(vectors) * index.searches


def test_among_many_items_that_are_the_same_those_that_come_are_as_near_as_the_nearest() -> None:
    """Which of two crowds comes may be a matter of the last bit of a code."""
    vectors = same(20_000, 64, 1)
    queries = tastes(vectors, 30, 2)
    for query, rows in zip(queries, of(made(vectors), vectors, queries), strict=True):
        scores = np.sort(vectors @ query)[::-1]
        assert len({*rows.tolist()}) == LIMIT
        assert (vectors[rows] @ query).sum() >= 0.98 * scores[:LIMIT].sum()


def test_below_the_size_it_is_exact_and_holds_nothing() -> None:
    vectors = alike(900, 16, 3)
    index = made(vectors)
    assert index.cells is None
    (query,) = tastes(vectors, 1, 4)
    assert of(index, vectors, query[None])[0].tolist() == sorted_rows(
        vectors, query, np.zeros(900, np.uint8), LIMIT
    )


@pytest.mark.parametrize("free", [0, 7, 299, 300, 301, 2_000, 10_000])
def test_whatever_is_blocked_there_are_as_many_as_asked_for(free: int) -> None:
    """Items that are left are spread over all cells, none of which is promising."""
    vectors = alike(20_000, 32, 5)
    index, rng = made(vectors), np.random.default_rng(6)
    blocked = np.ones(20_000, np.uint8)
    blocked[rng.permutation(20_000)[:free]] = 0
    queries = tastes(vectors, 10, 7)
    for rows in of(index, vectors, queries, blocked):
        assert len(rows) == len({*rows.tolist()}) == min(free, LIMIT)
        assert not blocked[rows].any()
    assert np.mean(recalls(index, vectors, queries, blocked)) >= (1.0 if free <= LIMIT else 0.95)


def test_the_best_themes_are_blocked_and_the_next_ones_come() -> None:
    vectors = alike(20_000, 32, 8)
    index, (query,) = made(vectors), tastes(vectors, 1, 9)
    blocked = np.zeros(20_000, np.uint8)
    blocked[np.argsort(-(vectors @ query))[:5_000]] = 1
    assert recalls(index, vectors, query[None], blocked)[0] >= 0.95


def test_a_query_finds_the_same_alone_and_in_a_batch() -> None:
    vectors = alike(5_000, 64, 10)
    index, queries = made(vectors), tastes(vectors, 8, 11)
    together = of(index, vectors, queries)
    for b in range(8):
        assert together[b].tolist() == of(index, vectors, queries[b : b + 1])[0].tolist()


def test_the_same_calls_find_the_same() -> None:
    answers = []
    for _ in range(2):
        vectors = alike(3_000, 32, 12)
        index, rng = made(vectors), np.random.default_rng(13)
        for _ in range(40):
            rows = rng.integers(0, 3_000, 100)
            vectors[rows] = alike(100, 32, int(rng.integers(1 << 30)))
            index.keep_up(vectors, np.unique(rows))
        assert index.builds == 3
        answers.append(b"".join(rows.tobytes() for rows in of(index, vectors, tastes(vectors, 5, 14))))
    assert answers[0] == answers[1]


def test_items_that_come_change_and_go_are_known_at_once() -> None:
    vectors = alike(4_000, 32, 15)
    index = made(vectors)
    query = vectors[7].copy()
    vectors[3_000] = query * 2
    index.keep_up(vectors, np.array([3_000]))
    assert of(index, vectors, query[None])[0][0] == 3_000
    vectors = np.concatenate([vectors, query[None] * 3])
    index.keep_up(vectors, np.array([4_000]))
    assert of(index, vectors, query[None])[0][:2].tolist() == [4_000, 3_000]
    vectors[4_000] = 0.0
    index.keep_up(vectors, np.array([4_000]))
    assert 4_000 not in of(index, vectors, query[None])[0]


def test_after_other_items_have_come_than_it_was_made_of_it_is_made_anew_and_finds_them() -> None:
    vectors = alike(2_000, 32, 16)
    index = made(vectors)
    for seed in range(30):
        more = alike(400, 32, 100 + seed)
        rows = np.arange(len(vectors), len(vectors) + 400)
        vectors = np.concatenate([vectors, more])
        index.keep_up(vectors, rows)
    assert 2 <= index.builds <= 8
    assert np.mean(recalls(index, vectors, tastes(vectors, 20, 17))) >= 0.95


def test_cells_that_are_made_beside_know_what_changed_meanwhile() -> None:
    vectors = alike(30_000, 32, 18)
    index = VectorIndex("test", MANY)
    index.configure(MANY, beside=True)
    index.keep_up(vectors, np.arange(len(vectors)))
    assert index.builds == 0  # it is still being made, and searches are exact
    query = vectors[11].copy()
    vectors[5] = query * 2
    vectors[11] = 0.0
    index.keep_up(vectors, np.array([5, 11]))
    vectors = np.concatenate([vectors, query[None] * 3])
    index.keep_up(vectors, np.array([30_000]))
    assert of(index, vectors, query[None])[0][:2].tolist() == [30_000, 5]
    index.wait()
    rows = of(index, vectors, query[None])[0]
    assert index.cells is not None
    assert len(index.cells) == 30_000
    assert rows[:2].tolist() == [30_000, 5]
    assert 11 not in rows
    assert np.mean(recalls(index, vectors, tastes(vectors, 10, 19))) >= 0.95


def test_what_a_large_import_changes_while_cells_are_made_is_put_beside_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the next slate would wait for all of it."""
    vectors, begun, go_on = alike(4_000, 32, 30), threading.Event(), threading.Event()
    usual = calibration.missed_share

    def held(*given: Any) -> float:
        begun.set()
        assert go_on.wait(30)
        return usual(*given)

    monkeypatch.setattr(vector_index, "missed_share", held)
    index = VectorIndex("test", MANY)
    index.configure(MANY, beside=True)
    index.keep_up(vectors, np.arange(len(vectors)))
    assert begun.wait(30)
    more = np.concatenate([vectors, alike(6_000, 32, 31)])
    for first in range(4_000, 10_000, 500):
        index.keep_up(more, np.arange(first, first + 500))
    more[7] = 0.0
    index.keep_up(more, np.array([7]))
    go_on.set()
    index.wait()
    assert index._building is not None
    assert index._building.cells is not None
    assert len(index._building.cells) >= 10_000 - vector_index.FEW
    assert 7 not in of(index, more, more[:1])[0]
    assert index.cells is not None
    assert len(index.cells) == 9_999
    index.keep_up(more, vector_index.NO_ROWS)  # it is of too many others now, and is made anew
    index.wait()
    assert np.mean(recalls(index, more, tastes(more, 20, 32))) >= 0.95
    assert index.builds == 2


def test_an_index_that_can_not_be_made_is_said_and_searches_stay_exact(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("streams.ranking.index.vector_index.Cells", none)
    vectors = alike(2_000, 16, 20)
    index = VectorIndex("test", MANY)
    index.configure(MANY, beside=True)
    index.keep_up(vectors, np.arange(2_000))
    index.wait()
    assert recalls(index, vectors, tastes(vectors, 3, 21)) == [1.0] * 3
    assert "no room" in caplog.text


def test_a_search_is_made_again_now_and_then_and_tells_how_much_was_found() -> None:
    watched = IndexSettings(from_items=1_000, watch_every=5)
    vectors = alike(3_000, 32, 22)
    index = made(vectors, watched)
    of(index, vectors, tastes(vectors, 20, 23))
    assert index.watch.samples == 0  # where nothing goes on beside, nobody watches
    assert np.isnan(index.watch.recall)
    index.configure(watched, beside=True)
    for query in tastes(vectors, 20, 24):
        of(index, vectors, query[None])
        index.wait()
    assert index.watch.samples == 4
    assert index.watch.recall >= 0.95
    assert index.cells is not None
    index.cells.tables.size[:] = 0  # an index that has lost what it held
    for query in tastes(vectors, 100, 25):
        of(index, vectors, query[None])
        index.wait()
    assert index.watch.recall < 0.5


def test_nobody_waits_for_the_search_that_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = alike(2_000, 16, 26)
    index = made(vectors)
    index.configure(IndexSettings(from_items=1_000, watch_every=1), beside=True)
    go_on = threading.Event()

    def slow(*_: object) -> list[Rows]:
        assert go_on.wait(30)
        return [np.arange(3, dtype=np.int32)]

    monkeypatch.setattr("streams.ranking.index.recall_watch.find_exact", slow)
    for query in tastes(vectors, 5, 27):
        of(index, vectors, query[None])
    assert index.watch.samples == 0  # the first is still being looked at, the others were let pass
    go_on.set()
    index.wait()
    assert index.watch.samples == 1
