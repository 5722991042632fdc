"""What is like an item, against plain sums over what users did, texts and links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest

from model.errors import RequestError
from streams.ranking.lists.item_lists import ItemLists
from streams.ranking.lists.page import MOST, ListAsk, Page
from streams.ranking.lists.similar import SOURCES, WEIGHTS, By, SimilarAsk
from streams.ranking.request import ItemFilter
from streams.ranking.slate import Reason
from streams.state.catalog import ItemRecord
from streams.state.knowledge_graph import Graph, Triple, build
from tests.streams.core import START_MS, Small, naive_best, unit, with_settings
from tests.streams.ranking.lists.asked import all_pages, rows_of

ITEMS = 40
WITHDRAWN = {4, 11}
GRAPH = build(
    [Triple(f"i{row}", "film.film.directed_by", f"d{row % 6}") for row in range(ITEMS)]
    + [Triple(f"i{row}", "film.film.genre", f"g{row % 4}") for row in range(0, ITEMS, 2)],
    names=None,
)


def busy(graph: Graph | None = GRAPH) -> Small:
    small = Small(items=ITEMS, graph=graph)
    rng = np.random.default_rng(3)
    for row in range(ITEMS):
        text = unit(rng.normal(size=64)).astype(np.float16).tobytes() if row % 9 else b""
        available = row not in WITHDRAWN
        record = ItemRecord(f"i{row}", START_MS, available, text, categories=[f"c{row % 3}"])
        small.core.put_item(row, record)
    small.random_events(500, users=25, seed=2, rated=False)
    return small


@pytest.fixture(scope="module")
def small() -> Small:
    return busy()


def page(small: Small, row: int, by: By, asked: ListAsk) -> Page:
    (found,) = ItemLists(small.core.settings).similar(small.core.pipeline, [SimilarAsk(row, by, asked)])
    return found


def whole(small: Small, row: int, by: By, n: int = 7, **more: ItemFilter) -> Page:
    pages = all_pages(lambda asked: page(small, row, by, asked), n, small.now_ms, **more)
    return Page([entry for entries in pages for entry in entries])


def by_behaviour(small: Small, row: int) -> dict[int, float]:
    """How closely each user met both, as `streams.counters.pairs` counts it, over the roots of totals."""
    histories: dict[str, list[tuple[int, int]]] = {}
    for user, state in small.states.items():
        histories[user] = list(zip(state.items.tolist(), state.times.tolist(), strict=True))
    sums: dict[int, float] = defaultdict(float)
    for met in histories.values():
        for at, (item, ts) in enumerate(met):
            before = met[:at][::-1]
            tied = sum(other_ts == ts for _, other_ts in before)
            for k, (other, _) in enumerate(before):
                if row in (item, other):
                    sums[other if item == row else item] += 1.0 / np.sqrt(1.0 + max(k - tied, 0))
    totals = small.core.counters.popularity.total
    return {
        other: value / np.sqrt(max(totals[row], 1.0) * max(totals[other], 1.0))
        for other, value in sums.items()
    }


def by_text(small: Small, row: int) -> dict[int, float]:
    text = small.core.catalog.text[:ITEMS].astype(np.float64)
    return dict(enumerate((text @ text[row]).tolist()))


def by_graph(small: Small, row: int) -> dict[int, float]:
    sums: dict[int, float] = defaultdict(float)
    for triples in (6, 4):
        if triples == 4 and row % 2:
            continue
        like = [other for other in range(ITEMS) if other % triples == row % triples]
        if triples == 4:
            like = [other for other in like if other % 2 == 0]
        for other in like:
            sums[other] += 1.0 / np.log(1.0 + len(like))
    return dict(sums)


PLAIN: dict[By, Callable[[Small, int], dict[int, float]]] = {
    "behaviour": by_behaviour,
    "text": by_text,
    "graph": by_graph,
}


@pytest.mark.parametrize("by", PLAIN)
@pytest.mark.parametrize("row", [0, 1, 6, 11, 20])
def test_scores_are_the_plain_ones_and_decide_the_order(small: Small, by: By, row: int) -> None:
    plain = PLAIN[by](small, row)
    found = whole(small, row, by).entries
    blocked = [row, *WITHDRAWN]
    expected = naive_best(plain, blocked, MOST)
    assert {entry.row for entry in found} == set(expected)
    for entry in found:
        assert entry.score == pytest.approx(plain[entry.row], rel=1e-4, abs=2e-6)
        assert entry.source == SOURCES[by][0]
    scores = [entry.score for entry in found]
    assert scores == sorted(scores, reverse=True)
    assert expected or (by == "text" and row == 0)


@pytest.mark.parametrize("row", [1, 6, 20])
def test_blended_is_the_fusion_of_the_ranks(small: Small, row: int) -> None:
    constant = small.core.settings.candidates.rank_constant
    sums: dict[int, float] = defaultdict(float)
    best: dict[int, tuple[float, str]] = {}
    for by in PLAIN:
        for rank, entry in enumerate(whole(small, row, by).entries, 1):
            part = WEIGHTS[entry.source] / (constant + rank)
            sums[entry.row] += part
            best[entry.row] = max(best.get(entry.row, (0.0, "")), (part, entry.source), key=lambda p: p[0])
    found = whole(small, row, "blended").entries
    assert [entry.row for entry in found] == naive_best(
        {each: float(np.float32(value)) for each, value in sums.items()}, [], MOST
    )
    for entry in found:
        assert entry.score == pytest.approx(sums[entry.row], abs=1e-6)
        assert entry.source == best[entry.row][1]


def test_reasons_lead_from_the_item(small: Small) -> None:
    assert {entry.reason for entry in whole(small, 20, "behaviour").entries} == {Reason("with", "i20")}
    assert {entry.reason for entry in whole(small, 20, "text").entries} == {Reason("similar", "i20")}
    words = {entry.row: entry.reason for entry in whole(small, 20, "graph").entries}
    assert words[2] == Reason("shares", "i20", "also directed by the same as")
    assert words[0] == Reason("shares", "i20", "same genre as")


def test_a_cursor_repeats_nothing_whatever_happens() -> None:
    small = busy()
    first = page(small, 20, "blended", ListAsk(6, small.now_ms))
    shown = [entry.row for entry in first.entries]
    for user in range(30):
        for row in (20, 33, 35, shown[3]):
            small.act(f"new-{user}", row)
    again = page(small, 20, "blended", ListAsk(6, small.now_ms))
    assert [entry.row for entry in again.entries] != shown
    rest, cursor = list[int](), first.cursor
    while cursor:
        following = page(small, 20, "blended", ListAsk(6, small.now_ms, cursor=cursor))
        rest += [entry.row for entry in following.entries]
        cursor = following.cursor
    assert not set(rest) & set(shown)
    everything = {entry.row for entry in whole(small, 20, "blended").entries}
    assert set(rest) == everything - set(shown)


@pytest.mark.parametrize("by", SOURCES)
def test_filters_and_the_item_itself(small: Small, by: By) -> None:
    asked = ItemFilter(categories=("c2",), available=False)
    found = [entry.row for entry in whole(small, 20, by, asked=asked).entries]
    assert found
    assert all(row % 3 == 2 and row not in WITHDRAWN and row != 20 for row in found)
    assert set(found) == {entry.row for entry in whole(small, 20, by).entries if entry.row % 3 == 2}


@pytest.mark.parametrize("by", SOURCES)
def test_many_at_once_are_as_alone(small: Small, by: By) -> None:
    lists, now_ms = ItemLists(small.core.settings), small.now_ms
    asks = [SimilarAsk(row, by, ListAsk(5, now_ms)) for row in range(ITEMS)]
    together = lists.similar(small.core.pipeline, asks)
    assert together == [lists.similar(small.core.pipeline, [ask])[0] for ask in asks]
    assert lists.similar(small.core.pipeline, []) == []


@pytest.mark.parametrize("by", SOURCES)
def test_of_what_nobody_knows_anything(by: By) -> None:
    assert page(Small(items=1), 0, by, ListAsk(5, START_MS)) == Page([])
    quiet = Small(items=5)
    assert page(quiet, 2, by, ListAsk(5, START_MS)) == Page([]), "nothing fills the list up"


def test_a_withdrawn_item_has_a_list_as_well(small: Small) -> None:
    assert page(small, 11, "behaviour", ListAsk(5, small.now_ms)).entries


def test_a_list_does_not_go_by_the_stages_of_feeds() -> None:
    """Nor do feeds go by those of lists."""
    settings = with_settings()
    other = Small(items=ITEMS, settings=settings)
    other.random_events(300, users=9, seed=5)
    before = other.draft("u1").batch.rows.tolist()
    assert whole(other, 3, "blended").entries
    assert other.draft("u1").batch.rows.tolist() == before


def test_a_text_that_is_no_number_never_shows() -> None:
    small = busy()
    rows = [entry.row for entry in whole(small, 20, "text").entries]
    small.core.catalog.text[rows[1]] = np.nan
    for by in SOURCES:
        for entry in whole(small, 20, by).entries:
            assert np.isfinite(entry.score)
    assert rows[1] not in [entry.row for entry in whole(small, 20, "text").entries]
    small.core.catalog.text[20] = np.nan
    assert whole(small, 20, "text").entries == []


def test_more_pages_than_a_list_has() -> None:
    small = Small(items=400)
    small.announce_all(seed=1)
    pages = all_pages(lambda asked: page(small, 0, "text", asked), 90, small.now_ms)
    assert [len(entries) for entries in pages][:2] == [90, 90]
    rows = rows_of(pages)
    assert len(rows) == len(set(rows)) <= MOST
    with pytest.raises(RequestError, match="cursor"):
        page(small, 1, "text", ListAsk(5, small.now_ms, cursor=page(small, 0, "text", ListAsk(5, 1)).cursor))
