"""What the knowledge graph says of every item, given users' histories: for sources and features alike.

ENTITY_LAST  the weight of the entities that an item shares with the user's last one
ENTITY_TASTE with all those of the history together
ENTITY_LIKED the same, each of them times how far its rating lies above the user's mean
ENTITY_OFF   what is to be taken off ENTITY_TASTE where an item was not liked: `off` times its part
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.schema import F32
from streams.signals.histories import Histories
from streams.signals.signal_table import BatchSignals
from streams.state.knowledge_graph import DIRECT, Graph

ENTITY_LAST, ENTITY_TASTE, ENTITY_LIKED, ENTITY_OFF = range(4)
ENTITY_SIGNALS = 4


class Shared(NamedTuple):
    """The item of a history that shares most with a candidate; `entity`: the node that counts most of what
    they share, or the candidate's own where the two are linked to each other.
    """

    row: int
    item: int
    candidate: int
    entity: int


class EntitySignals:
    """Items are linked to the graph as they are met; those that it does not know share nothing.

    node_of int32 [n]: the node of each row, row_of int32 [nodes]: the row of each node; -1 for none.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.node_of = np.zeros(0, np.int32)
        self.row_of = np.full(len(graph.weight), -1, np.int32)
        self._known = 0

    def grow(self, item_ids: Sequence[str]) -> None:
        """Link the items that are new since the last call; `item_ids` are those of all rows."""
        items = len(item_ids)
        self.make_room(items)
        for row in range(self._known, items):
            node = self.graph.nodes.get(item_ids[row], -1)
            self.node_of[row] = node
            if node >= 0:
                self.row_of[node] = row
        self._known = items

    def make_room(self, rows: int) -> None:
        """Make room for so many rows; those behind the items are of nothing that the graph has."""
        if rows > len(self.node_of):
            node_of = np.full(max(rows, len(self.node_of) * 3 // 2), -1, np.int32)
            node_of[: self._known] = self.node_of[: self._known]
            self.node_of = node_of

    def read(
        self,
        signals: BatchSignals,
        histories: Histories,
        chosen: NDArray[np.int64],
        longest: int,
        places: NDArray[np.int32],
    ) -> None:
        """Add the signals of the users `chosen` to `signals`; of each history `longest` items are read.
        places: a scratch table over all rows, all -1 before and after.
        """
        graph, table, done = self.graph, signals.table, 0
        while True:
            done = _read(
                graph.start, graph.neighbour, graph.weight, self.node_of, self.row_of, DIRECT,
                histories.offsets, histories.items, histories.liking, histories.off, longest, chosen, done,
                places, table.rows, table.values, signals.begin, signals.end, table.used,
            )  # fmt: skip
            if done == len(chosen):
                signals.left -= len(chosen)
                return
            table.make_room(0)

    def strongest(self, row: int, history: NDArray[np.int32]) -> Shared | None:
        """Which item of `history` shares most with `row`; None where none shares anything."""
        graph, candidate = self.graph, int(self.node_of[row])
        if candidate < 0:
            return None
        nodes = self.node_of[history]
        at, entity = _strongest(graph.start, graph.neighbour, graph.weight, candidate, nodes, DIRECT)
        return None if at < 0 else Shared(int(history[at]), int(nodes[at]), candidate, entity)


@compiled
def _read(
    start: NDArray[np.int64],
    neighbour: NDArray[np.int32],
    weight: F32,
    node_of: NDArray[np.int32],
    row_of: NDArray[np.int32],
    direct: np.float32,
    offsets: NDArray[np.int64],
    items: NDArray[np.int32],
    liking: F32,
    off: F32,
    longest: int,
    chosen: NDArray[np.int64],
    done: int,
    places: NDArray[np.int32],
    rows: NDArray[np.int32],
    values: F32,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    used: NDArray[np.int64],
) -> int:
    """Add up what items share with the histories of the users from `chosen[done]` on; up to which one there
    was room.
    """
    for at in range(done, len(chosen)):
        b = chosen[at]
        first, n = offsets[b], used[0]
        for p in range(first, min(offsets[b + 1], first + longest)):
            item = node_of[items[p]]
            if item < 0:
                continue
            liked = np.float32(0.0) if math.isnan(liking[p]) else liking[p]
            for link in range(start[item], start[item + 1]):
                entity = neighbour[link]
                row = row_of[entity]
                if row >= 0 and n >= 0:
                    n = _add(row, direct, p == first, liked, off[p], places, rows, values, n)
                its_weight = weight[entity]
                if its_weight == 0.0:
                    continue
                for other in range(start[entity], start[entity + 1]):
                    row = row_of[neighbour[other]]
                    if row >= 0 and neighbour[other] != item and n >= 0:
                        n = _add(row, its_weight, p == first, liked, off[p], places, rows, values, n)
        for k in range(used[0], n if n >= 0 else len(rows)):
            places[rows[k]] = -1
        if n < 0:
            return at
        begin[b], end[b], used[0] = used[0], n, n
    return len(chosen)


@compiled
def _add(
    row: np.int32,
    part: np.float32,
    last: bool,
    liking: np.float32,
    off: np.float32,
    places: NDArray[np.int32],
    rows: NDArray[np.int32],
    values: F32,
    n: int,
) -> int:
    """Add `part` to the sums of a row; how much of the room is taken then, -1 where there is none."""
    at = places[row]
    if at < 0:
        if n == len(rows):
            return -1
        at = places[row] = n
        rows[n] = row
        values[n] = np.float32(0.0)
        n += 1
    if last:
        values[at, ENTITY_LAST] += part
    values[at, ENTITY_TASTE] += part
    values[at, ENTITY_LIKED] += part * liking
    values[at, ENTITY_OFF] += part * off
    return n


@compiled
def _strongest(
    start: NDArray[np.int64],
    neighbour: NDArray[np.int32],
    weight: NDArray[np.float32],
    candidate: int,
    nodes: NDArray[np.int32],
    direct: np.float32,
) -> tuple[int, int]:
    """The place in `nodes` of the item that shares most with `candidate`, and the heaviest shared node;
    (-1, -1) for none. Ties go to the newer item and the lower node.
    """
    best, best_entity, most = -1, -1, np.float32(0.0)
    for p in range(len(nodes)):
        item = nodes[p]
        if item < 0 or item == candidate:
            continue
        total, heaviest, entity = np.float32(0.0), np.float32(0.0), -1
        mine, its = start[candidate], start[item]
        while its < start[item + 1]:
            node = neighbour[its]
            if node == candidate:
                total += direct
                if direct > heaviest:
                    heaviest, entity = direct, candidate
            while mine < start[candidate + 1] and neighbour[mine] < node:
                mine += 1
            if mine < start[candidate + 1] and neighbour[mine] == node:
                total += weight[node]
                if weight[node] > heaviest:
                    heaviest, entity = weight[node], node
            its += 1
        if total > most:
            most, best, best_entity = total, p, entity
    return best, best_entity
