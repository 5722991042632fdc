"""Kept slates for tests, and values that compare bit by bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from streams.learning.kept_slates import Answer, KeptSlate, Slates
from streams.learning.looks import digest_of_names, pack_looks

CLICK, VIEW, PURCHASE = 1, 0, 3
WAIT_MS = 60_000
COLUMNS = ("a", "b", "c")


def made(slate_id: str, ts: int, rows: Sequence[int], features: bool = True, **more: Any) -> KeptSlate:
    """A slate as a worker makes it; the features of row r are r, r + .25 and r + .5."""
    columns = np.add.outer(np.array(rows), [0.0, 0.25, 0.5]).astype(np.float16)
    return KeptSlate(
        slate_id=slate_id,
        ts=ts,
        model="m",
        rows=tuple(rows),
        looks=pack_looks(
            scores=-np.arange(len(rows), dtype=np.float32),
            features=columns if features else columns[:0, :0],
            names=digest_of_names(COLUMNS),
        ),
        **more,
    )


@st.composite
def looks_of(draw: st.DrawFn, places: int) -> bytes:
    """Looks of so many places, of any kind."""
    columns, featured = draw(st.integers(1, 4)), draw(st.integers(0, places))
    number = st.floats(0, 1, width=32) | st.just(math.nan)
    numbers: st.SearchStrategy[list[float]] = st.just([]) | st.lists(number, min_size=places, max_size=places)
    size = featured * columns
    values = draw(st.lists(st.floats(width=16), min_size=size, max_size=size))
    return pack_looks(
        np.array(draw(numbers), np.float32),
        np.array(draw(numbers), np.float32),
        np.array(values, np.float16).reshape(featured, columns),
        draw(st.binary(min_size=8, max_size=8)),
    )


def answer(row: int, ts: int, action: int = CLICK, value: float = math.nan) -> Answer:
    return Answer(row, action, value, ts)


def plain(value: Any) -> Any:
    """Values that compare bit by bit, also where a number is NaN."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return np.float64(value).tobytes()
    if isinstance(value, msgspec.Struct):
        return plain(msgspec.structs.asdict(value))
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def ids(slates: Slates) -> list[str]:
    return [slate.slate_id for slate in slates]
