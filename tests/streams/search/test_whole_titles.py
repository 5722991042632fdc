"""Who types just the name of an item means that item, however often others mention it."""

from __future__ import annotations

import pytest

from streams.search.finding import find
from streams.search.whole_titles import WHOLE
from streams.state.user_state import EMPTY
from tests.streams.search.catalogue import NOW_MS, Goods, Shop, shop

GOODS = [
    *(Goods(f"gimp {kind}", "Gimp", ["Gimp"], None, "gimp " * 9) for kind in ("help", "help german", "data")),
    Goods("Gimp", "", ["Graphics"], None, "paints and retouches pictures"),
    *(
        Goods(f"頭髮護理 {kind}", "頭髮護理", ["頭髮護理"], None, "頭髮護理 " * 9)
        for kind in ("精油", "乳液")
    ),
    Goods("頭髮護理", "", ["美容"], None, "洗髮精"),
    *(Goods(f"Wire {n}", "Wire", ["Wire"], 9.0, "cheap wire, wire of copper") for n in range(3)),
    Goods("Wire", "", [], 5.0, "by the metre"),
    *(Goods(f"Alien {n} (1986)", "Alien", ["Alien"], None, "alien " * 9) for n in range(3)),
    Goods("Alien (1979)", "", ["Films"], None, "nobody hears"),
]


@pytest.fixture(scope="module")
def named() -> Shop:
    return shop(GOODS)


def best(made: Shop, query: str) -> list[str]:
    understood = made.indexed.understand(query)
    pool = find(made.core, made.indexed, understood, None, made.core.request(EMPTY, NOW_MS))
    return [made.indexed.titles[row] for row in pool.rows.tolist()]


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("gimp", "Gimp"),
        ("GIMP", "Gimp"),
        ("gimmp", "Gimp"),  # as it was probably meant
        ("頭髮護理", "頭髮護理"),
        ("头发护理", "頭髮護理"),  # in simplified characters
        ("wire under 20", "Wire"),  # without the words for a price
        ("gimp help german", "gimp help german"),
        ("alien", "Alien (1979)"),  # without what stands behind a name
        ("Alien 1979", "Alien (1979)"),
    ],
)
def test_the_item_of_that_name_is_first(named: Shop, query: str, title: str) -> None:
    assert best(named, query)[0] == title


def test_all_others_are_found_as_before(named: Shop) -> None:
    assert set(best(named, "gimp")) == {
        goods.title for goods in GOODS if goods.title.lower().startswith("gimp")
    }


def test_a_whole_title_is_no_word(named: Shop) -> None:
    assert named.indexed.words.frequency(WHOLE + "gimp") == 1
    assert not [term for term, _ in named.indexed.words.vocabulary() if term.startswith(WHOLE)]
    assert named.indexed.understand("=gimp").titles == named.indexed.understand("gimp").titles
