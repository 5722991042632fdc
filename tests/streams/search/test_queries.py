"""What is understood of a query: typos, names, and no syntax at all."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ranking.request import ItemFilter
from streams.search import finding
from streams.search.finding import PARTS, find
from streams.search.queries import MOST_TERMS
from streams.search.searching import SearchAsked, search
from streams.search.suggesting import suggest
from streams.state.knowledge_graph import Triple, build
from streams.state.user_state import EMPTY
from tests.streams.search.catalogue import NOW_MS, SHOP, Goods, Shop, shop, vector_of


@pytest.fixture(scope="module")
def stocked() -> Shop:
    return shop()


def found(made: Shop, query: str, asked: ItemFilter = ItemFilter(), vector: bool = False) -> list[str]:
    """Titles, best first."""
    understood = made.indexed.understand(query)
    its = vector_of(understood.to_encode) if vector else None
    pool = find(made.core, made.indexed, understood, its, made.core.request(EMPTY, NOW_MS, filter=asked))
    assert abs(pool.parts.sum(axis=0) - pool.score).max(initial=0.0) < 1e-5
    return [made.indexed.titles[row] for row in pool.rows.tolist()]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("guitar strap", "Leather guitar strap"),
        ("gutar strpa leather", "Leather guitar strap"),
        ("GUITARS, straps!", "Leather guitar strap"),
        ("guitarstrap nylon", "Nylon guitar strap"),
        ("head phones studio", "Studio headphones"),
        ("daddario", "Acoustic guitar strings"),
        ("d addario", "Acoustic guitar strings"),
        ("运动鞋", "运动鞋 男款 轻便 透气"),
        ("轻便的鞋", "运动鞋 男款 轻便 透气"),
        ("鞋", "运动鞋 男款 轻便 透气"),
        ("蓝牙耳机", "蓝牙耳机 无线降噪"),
        ("กีตาร์", "กีตาร์โปร่ง"),
        ("イヤホン", "無線イヤホン"),
        ("🎸", "🎸 sticker"),
        ("sony studio", "Studio headphones"),
    ],
)
def test_the_best_of(stocked: Shop, query: str, best: str) -> None:
    assert found(stocked, query)[0] == best


def test_prices_in_a_query_are_bounds(stocked: Shop) -> None:
    assert found(stocked, "strap under 10") == ["Nylon guitar strap"]
    assert found(stocked, "耳机 200元以上") == ["蓝牙耳机 无线降噪"]
    assert found(stocked, "cheap headphones")[0] == "Wireless headphones"
    assert found(stocked, "premium headphones")[0] == "Studio headphones"


def test_where_nothing_lies_within_the_prices_they_are_left_out(stocked: Shop) -> None:
    understood = stocked.indexed.understand("strap under 1")
    pool = find(stocked.core, stocked.indexed, understood, None, stocked.core.request(EMPTY, NOW_MS))
    assert pool.relaxed
    assert len(pool)
    mine = ItemFilter(price_to=1.0)  # the caller's own bound stays
    assert not found(stocked, "strap", mine)


def test_without_prices_words_for_prices_are_words() -> None:
    made = shop([Goods("Under 50 songbook"), Goods("Another songbook")])
    assert made.indexed.understand("under 50").asked
    assert found(made, "under 50 songbook")[0] == "Under 50 songbook"


def test_filters_hold_however_few_they_leave() -> None:
    many = [Goods(f"guitar {k}", categories=["rare" if k == 700 else "usual"]) for k in range(1_000)]
    assert found(shop(many), "guitar", ItemFilter(categories=("rare",))) == ["guitar 700"]


def test_a_filter_leaves_the_same_however_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Goods(f"guitar {k % 9}", categories=["odd" if k % 2 else "even"]) for k in range(300)]
    made, asked = shop(many), ItemFilter(categories=("odd",))
    for query in ("guitar 5", "guitar", "5 7"):
        one_by_one = found(made, query, asked)
        monkeypatch.setattr(finding, "FEW", 10)
        assert found(made, query, asked) == one_by_one
        monkeypatch.undo()


def test_what_is_withdrawn_is_not_found() -> None:
    made = shop()
    made.put(0, SHOP[0]._replace(available=False), NOW_MS + 1)
    assert found(made, "guitar strap")[0] == "Nylon guitar strap"


def test_a_correction_is_told_and_right_words_are_left_alone(stocked: Shop) -> None:
    assert stocked.indexed.understand("gutar strap").corrected == "guitar strap"
    assert stocked.indexed.understand("guitar straps").corrected == ""
    assert stocked.indexed.understand("xyzzy").corrected == ""


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("(SM-57) microphne, please", "(sm-57) microphone, please"),
        ("C++ compilr", "c++ compiler"),
        ("гитраах гитраа кожа", "гитраах гитара кожа"),
    ],
)
def test_a_correction_leaves_the_rest_as_it_was_typed(typed: str, corrected: str) -> None:
    made = shop([Goods("Shure SM-57 microphone"), Goods("C++ compiler"), Goods("гитара кожа")])
    assert made.indexed.understand(typed).corrected == corrected


def test_categories_makers_and_entities_are_named() -> None:
    graph = build(
        [Triple("i2", "played_by", "d"), Triple("i5", "played_by", "d")], names={"d": "Django Reinhardt"}
    )
    made = shop(graph=graph)
    named = {
        each.kind: each.name for each in made.indexed.understand("sony headphone django reinhardt").named
    }
    assert named == {"maker": "Sony", "category": "Headphones", "entity": "Django Reinhardt"}
    assert set(found(made, "django reinhardt")) == {"Acoustic guitar strings", "Studio headphones"}


def test_meaning_finds_what_no_word_does(stocked: Shop) -> None:
    understood = stocked.indexed.understand("mixing studio")
    pool = find(
        stocked.core, stocked.indexed, understood, vector_of("For mixing in the studio."),
        stocked.core.request(EMPTY, NOW_MS),
    )  # fmt: skip
    assert pool.rows[0] == 5
    assert pool.parts[PARTS.index("meaning"), 0] > 0


@given(
    st.text(max_size=60)
    | st.text("\"'()[]{}+-~^*:?\\/|&! ANDORT0^title:", max_size=40)
    | st.text("guitar 元$<>=下under.,0123456789", max_size=40)
)
@settings(deadline=None, max_examples=150)
def test_any_query_is_answered(stocked: Shop, query: str) -> None:
    found(stocked, query)
    found(stocked, query, vector=True)


@pytest.mark.parametrize(
    "query", ["x " * 5_000, "耳" * 10_000, "a" * 10_240, "the of and", "(", '"', " ", "\x00"]
)
def test_odd_queries_are_answered(stocked: Shop, query: str) -> None:
    found(stocked, query, vector=True)
    assert len(stocked.indexed.understand(query).asked) <= MOST_TERMS


def test_stop_words_alone_are_searched_as_they_are() -> None:
    made = shop([Goods("The The", text="a band"), Goods("Queen", text="another band of the time")])
    assert found(made, "the the")[0] == "The The"


@pytest.mark.parametrize("query", ["", "guitar", "under 50", "耳机", "()"])
def test_an_empty_catalogue_is_searched_too(query: str) -> None:
    made = shop([])
    understood = made.indexed.understand(query)
    asked = SearchAsked(understood, vector_of(query) if query else None, "ann")
    answer = search(made.core, made.indexed, asked, EMPTY, NOW_MS)
    assert (answer.slate.items, answer.found) == ([], 0)
    assert not suggest(made.core, made.indexed, query, 5).completions


def test_searches_by_one_plan_are_one_kind_of_request() -> None:
    """What is remembered of requests must not grow with each search."""
    made = shop()
    kinds = made.core.pipeline.workspace.asks._number
    for n in range(5):
        query = SearchAsked(made.indexed.understand("guitar"), vector_of("guitar"))
        search(made.core, made.indexed, query, EMPTY, NOW_MS + n)
    assert len(kinds) == 1


def test_queries_are_understood_side_by_side_while_items_come() -> None:
    made, over, failed = shop(), threading.Event(), list[BaseException]()
    expected = made.indexed.understand("gutar strpa leather")

    def ask() -> None:
        try:
            while not over.is_set():
                understood = made.indexed.understand("gutar strpa leather")
                assert understood.corrected == expected.corrected
                assert understood.asked == expected.asked
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(150):
        row = len(SHOP) + n
        made.core.meet([f"i{row}"], NOW_MS)
        made.put(row, Goods(f"drum {'abcdefghij'[n % 10] * 6}", f"maker {n}", [f"drums {n}"]))
        made.indexed.commit()
    over.set()
    for thread in threads:
        thread.join()
    assert not failed
