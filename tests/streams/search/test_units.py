"""Numbers with units: written in one script, found in the other."""

from __future__ import annotations

import pytest

from tests.streams.search.catalogue import Goods, shop

DOG_FOOD = (
    Goods("皇家狗粮 10kg"), Goods("皇家狗粮 2kg"), Goods("皇家狗粮 10公斤"), Goods("皇家狗粮 10 kg"),
    Goods("保温杯 500ml"), Goods("保温杯 350毫升"), Goods("数据线 2米"), Goods("数据线 1m"),
)  # fmt: skip


def first(query: str, count: int) -> set[int]:
    here = shop(DOG_FOOD).indexed
    return set(here.best(here.understand(query)).rows[:count].tolist())


@pytest.mark.parametrize("query", ["狗粮 10公斤", "10公斤狗粮", "狗粮10kg", "10千克 狗粮", "狗粮 10 kg"])
def test_a_weight_is_found_however_it_is_written(query: str) -> None:
    assert first(query, 3) == {0, 2, 3}


@pytest.mark.parametrize(
    ("query", "row"),
    [("500毫升保温杯", 4), ("350ml保温杯", 5), ("保温杯 350ml", 5), ("2m 数据线", 6), ("1米数据线", 7)],
)
def test_a_unit_in_the_other_script_is_found_first(query: str, row: int) -> None:
    assert first(query, 1) == {row}


def test_a_number_behind_which_no_unit_stands_stays_what_it_is() -> None:
    understood = shop(DOG_FOOD).indexed.understand("狗粮 10 保温杯")
    assert [ways for ways in understood.asked if ways[0][0] == "10"] == [[("10", 1.0)]]
