"""Kept slates for tests, and values that compare bit by bit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from streams.learning.kept_slates import Answer, KeptSlate, Slates, digest_of_names

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
        rows=np.array(rows, np.int32),
        scores=-np.arange(len(rows), dtype=np.float32),
        features=columns if features else columns[:0, :0],
        names=digest_of_names(COLUMNS) if features else b"",
        **more,
    )


def answer(row: int, ts: int, action: int = CLICK, value: float = math.nan) -> Answer:
    return Answer(row, action, value, ts)


def plain(value: Any) -> Any:
    """Values that compare bit by bit, also where a number is NaN."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return np.float64(value).tobytes()
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def ids(slates: Slates) -> list[str]:
    return [slate.slate_id for slate in slates]
