"""The bytes, the exactness and the time of the items that a user has met.

    python -m benchmarks.consumed

A user meets items drawn at random from a catalogue. Error: the share of the unmet items that the state takes
for met ones. Mask: the time of the filter of a slate, which goes over the whole catalogue.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from streams.state.consumed import EVERY_ACTION, NOTHING
from streams.state.user_state import StateSettings, UserState
from streams.state.user_state_codec import decode, encode

CATALOGUES = (1_700, 60_000, 100_000, 300_000, 1_000_000)
MET = (10, 100, 1_000, 7_000, 10_000, 15_000, 20_000, 50_000)
CLICK = 1


class Measured(NamedTuple):
    """Bytes beyond an empty state; error; microseconds."""

    size: int
    error: float
    add_us: float
    encode_us: float
    decode_us: float
    mask_us: float


def measure(catalogue: int, met: int, most_bytes: int) -> Measured:
    """A user who has met `met` items out of `catalogue`."""
    rows = np.random.default_rng(0).permutation(catalogue)[: met + 100].tolist()
    consumed = NOTHING
    for row in rows[:met]:
        consumed = consumed.add(row, CLICK, EVERY_ACTION, most_bytes)
    mask = np.zeros(catalogue, np.uint8)
    consumed.mark(mask)
    state = UserState(consumed=consumed)
    raw = encode(state)

    def add() -> None:
        for row in rows[met:] or rows[:100]:
            consumed.add(row, CLICK, EVERY_ACTION, most_bytes)

    return Measured(
        len(raw) - len(encode(UserState())),
        (int(mask.sum()) - met) / max(1, catalogue - met),
        best_us(add) / min(100, len(rows[met:]) or met),
        best_us(lambda: encode(state)),
        best_us(lambda: decode(raw)),
        best_us(lambda: consumed.mark(mask)),
    )


def best_us(what: Callable[[], object], times: int = 30) -> float:
    """The shortest of some runs."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        what()
        best = min(best, time.perf_counter() - started)
    return best * 1e6


def main() -> None:
    most_bytes = StateSettings().consumed_bytes
    table = Table("met", "of", "bytes", "error", "add us", "encode", "decode", "mask")
    for met in MET:
        for catalogue in CATALOGUES:
            if met <= catalogue:
                found = measure(catalogue, met, most_bytes)
                times = [f"{each:,.1f}" for each in found[2:]]
                table.add_row(f"{met:,}", f"{catalogue:,}", f"{found.size:,}", f"{found.error:.1%}", *times)
    Console().print(f"state.consumed_bytes = {most_bytes:,}", table)


if __name__ == "__main__":
    main()
