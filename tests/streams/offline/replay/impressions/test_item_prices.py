"""Prices of items stand in where lists tell none."""

from __future__ import annotations

import math
from dataclasses import replace

from streams.datasets.dataset import Dataset
from streams.datasets.impressions import Shown
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.offline.replay.impressions.item_prices import with_item_prices
from tests.streams.offline.replay.impressions.test_listed_stream import CLICKS, TWO, listed


def dataset(shown: list[Shown], fields: tuple[str, ...], items: dict[str, ItemText]) -> Dataset:
    stream: Interactions = listed(CLICKS, shown).stream.interactions
    return Dataset(replace(stream, shown_fields=fields), items)


PRICED = {"a": ItemText(price=3.0), "b": ItemText(), "c": ItemText(price=5.0)}


def test_an_items_price_is_told_of_its_place() -> None:
    plain = [each._replace(told=()) for each in TWO]
    found = with_item_prices(dataset(plain, (), PRICED)).interactions
    assert found.shown_fields == ("price",)
    assert found.shown is not None
    ((first,), _, _) = found.shown
    assert first.told[0] == (3.0,)
    assert math.isnan(first.told[1][0])
    assert first.told[2] == (5.0,)


def test_what_the_list_says_goes_before_and_stays() -> None:
    told = dataset(TWO, ("price",), PRICED)
    assert with_item_prices(told) is told
    stars = with_item_prices(dataset(TWO, ("stars",), PRICED)).interactions
    assert stars.shown_fields == ("stars", "price")
    assert stars.shown is not None
    assert stars.shown[0][0].told[0] == (10.0, 3.0)


def test_without_prices_nothing_changes() -> None:
    plain = dataset(TWO, ("price",), {"a": ItemText()})
    assert with_item_prices(plain) is plain
