"""Item pairs counted the plain way: a dict of dicts, in float64, nothing forgotten."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from streams.counters.pair_kinds import CLOSE, FORWARD, FRESH, KINDS, REVERSE, TOGETHER
from streams.counters.pairs import PairTable
from streams.counters.settings import CounterSettings


class Reference:
    """`pairs[item][neighbour][kind]`; FRESH is as of `now_ms` once `fresh` is asked for."""

    def __init__(self, settings: CounterSettings) -> None:
        self.settings = settings
        self.pairs: dict[int, dict[int, list[float]]] = defaultdict(dict)
        self.outgoing: dict[int, float] = defaultdict(float)
        self.events: list[tuple[int, int, float, int]] = []  # item, neighbour, weight, ts of each FRESH part

    def observe(self, row: int, previous: list[int], tied: int, ts: int, weight: float) -> None:
        if weight <= 0:
            return
        for place, item in enumerate(previous):
            if item == row:
                continue
            there = self.pairs[item].setdefault(row, [0.0] * KINDS)
            back = self.pairs[row].setdefault(item, [0.0] * KINDS)
            there[TOGETHER] += weight
            back[TOGETHER] += weight
            there[CLOSE] += weight / math.sqrt(1 + max(place - tied, 0))
            back[CLOSE] += weight / math.sqrt(1 + max(place - tied, 0))
            if place >= self.settings.window:
                continue
            for before, after, part in ((item, row, 0.5 if place < tied else 1.0), (row, item, 0.5)):
                if before == row and place >= tied:
                    continue
                self.outgoing[before] += weight * part
                self.pairs[before][after][FORWARD] += weight * part
                self.pairs[after][before][REVERSE] += weight * part
                self.events.append((before, after, weight * part, ts))

    def fresh(self, now_ms: int) -> None:
        """Fill FRESH in as of `now_ms`."""
        for row in self.pairs.values():
            for counts in row.values():
                counts[FRESH] = 0.0
        for before, after, weight, ts in self.events:
            age = (now_ms - ts) / 1_000 / self.settings.pair_half_life_s
            self.pairs[before][after][FRESH] += weight * 0.5**age


def as_dicts(table: PairTable, now_ms: int) -> dict[int, dict[int, list[float]]]:
    """What the table holds, FRESH as of `now_ms`; checks that no pair stands twice in a row."""
    found: dict[int, dict[int, list[float]]] = {}
    age = table.age(now_ms)
    for item in np.flatnonzero(table.length):
        row: dict[int, list[float]] = {}
        for at in range(table.start[item], table.start[item] + table.length[item]):
            assert int(table.neighbour[at]) not in row
            counts = table.count[at].astype(float)
            counts[FRESH] *= age
            row[int(table.neighbour[at])] = counts.tolist()
        found[int(item)] = row
    return found


def check_blocks(table: PairTable) -> None:
    """Every block lies in the pool and in no other block, the free ones too; every pair names a real item."""
    taken = np.zeros(table.used[0], np.int64)
    assert table.used[0] <= len(table.neighbour) == len(table.count) == table.settings.max_pairs
    for item in range(table.known):
        begin, room, length = int(table.start[item]), int(table.room[item]), int(table.length[item])
        assert length <= room <= table.settings.row_pairs
        if room:
            assert 0 <= begin <= begin + room <= table.used[0]
            taken[begin : begin + room] += 1
            neighbours = table.neighbour[begin : begin + length]
            assert (neighbours >= 0).all()
            assert (neighbours < table.known).all()
            assert (neighbours != item).all()
    for size, first in enumerate(table.free):
        head, steps = int(first), 0
        while head >= 0:
            taken[head : head + 8 * 2**size] += 1
            head, steps = int(table.neighbour[head]), steps + 1
            assert steps <= len(table.neighbour)
    assert (taken <= 1).all()
    assert math.isfinite(float(table.count[: table.used[0]].sum()))
