"""Cells that hold vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.columns.vectors import LENGTH_MAX, NUMBER_MAX, as_vector
from streams.events.schema import EventLimits, Item, decode, encode

numbers = st.lists(st.floats(-NUMBER_MAX, NUMBER_MAX), min_size=1, max_size=6)


@given(numbers, st.sampled_from(["list", "json", "python", "space", "comma", "semicolon", "bracketed"]))
def test_a_vector_is_read_in_every_notation(values: list[float], notation: str) -> None:
    written: dict[str, Any] = {
        "list": values,
        "json": f"{values}",
        "python": f"({', '.join(map(repr, values))})",
        "space": " ".join(map(repr, values)),
        "comma": ",".join(map(repr, values)),
        "semicolon": "; ".join(map(repr, values)),
        "bracketed": f"[{' '.join(map(repr, values))}]",  # as numpy writes it
    }
    found = as_vector(written[notation])
    assert found is not None
    assert list(found) == values


@pytest.mark.parametrize("cell", ["", " ", None, "NaN", "null", float("nan"), [], "[]"])
def test_nothing_is_no_vector(cell: Any) -> None:
    found = as_vector(cell)
    assert found is not None
    assert not len(found)


@pytest.mark.parametrize(
    "cell",
    [
        *("a b", "1 x", "[1, null]", [1.0, None], ["x"], {"a": 1}, [True, 1.0], [[1.0], [2.0]], 3.5, b"\x00"),
        *([np.nan, 1.0], [np.inf], [NUMBER_MAX * 1.01], [0.0] * (LENGTH_MAX + 1)),
    ],
)
def test_what_is_no_vector_is_none(cell: Any) -> None:
    assert as_vector(cell) is None


@given(st.lists(st.floats() | st.integers(), max_size=6))
def test_what_is_read_comes_over_the_wire(values: list[float]) -> None:
    found = as_vector(values)
    if found is not None and len(found):
        item = Item(event_id="e", ts=1, item_id="i", image_vector=list(found))
        assert decode(encode(item), 1, EventLimits()) == item
