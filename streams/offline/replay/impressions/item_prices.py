"""Prices of items where the lists do not tell any: then each place has its item's own."""

from __future__ import annotations

import math
from dataclasses import replace

from streams.datasets.dataset import Dataset
from streams.datasets.impressions import Shown

PRICE = "price"


def with_item_prices(dataset: Dataset) -> Dataset:
    """The dataset whose lists tell a price of each place, where any item has one and the lists do not."""
    stream = dataset.interactions
    prices = {name: item.price for name, item in dataset.items.items() if item.price is not None}
    if stream.shown is None or PRICE in stream.shown_fields or not prices:
        return dataset

    def priced(slate: Shown) -> Shown:
        before = slate.told or ((),) * len(slate.items)
        told = [
            (*numbers, prices.get(item, math.nan)) for item, numbers in zip(slate.items, before, strict=True)
        ]
        return slate._replace(told=tuple(told))

    shown = [tuple(map(priced, slates)) for slates in stream.shown]
    stream = replace(stream, shown=shown, shown_fields=(*stream.shown_fields, PRICE))
    return replace(dataset, interactions=stream)
