"""What the knowledge graph says of every item, given one user's history: for sources and features alike.

ENTITY_LAST  the weight of the entities that an item shares with the user's last one
ENTITY_TASTE with all those of the history together
ENTITY_LIKED the same, each of them times how far its rating lies above the user's mean
ENTITY_OFF   what is to be taken off ENTITY_TASTE where an item was not liked: `off` times its part
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from streams.signals.readings import Readings
from streams.state.knowledge_graph import DIRECT, Graph

ENTITY_LAST, ENTITY_TASTE, ENTITY_LIKED, ENTITY_OFF = range(4)
ENTITY_SIGNALS = 4
NOTHING = np.zeros((0, ENTITY_SIGNALS), np.float32)


class Shared(NamedTuple):
    """The item of a history that shares most with a candidate; `entity`: the node that counts most of what
    they share, or the candidate's own where the two are linked to each other.
    """

    row: int
    item: int
    candidate: int
    entity: int


class EntitySignals:
    """A reusable scratch table over rows, `values[n, ENTITY_SIGNALS]`, and the rows in it that are not zero,
    `touched`.

    Items are linked to the graph as they are met; those that it does not know share nothing.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values = NOTHING
        self.seen = np.zeros(0, np.uint8)
        self.node_of = np.zeros(0, np.int32)
        self.row_of = np.full(len(graph.weight), -1, np.int32)
        self._known = 0
        self._rows = np.zeros(0, np.int32)
        self.touched = self._rows

    def grow(self, item_ids: Sequence[str]) -> None:
        """Link the items that are new since the last call; `item_ids` are those of all rows."""
        items = len(item_ids)
        if items > len(self.seen):
            room = max(items, len(self.seen) * 3 // 2)
            self.values = np.zeros((room, ENTITY_SIGNALS), np.float32)
            self.seen, self._rows = np.zeros(room, np.uint8), np.zeros(room, np.int32)
            self.touched = self._rows[:0]
            node_of = np.full(room, -1, np.int32)
            node_of[: self._known] = self.node_of[: self._known]
            self.node_of = node_of
        for row in range(self._known, items):
            node = self.graph.nodes.get(item_ids[row], -1)
            self.node_of[row] = node
            if node >= 0:
                self.row_of[node] = row
        self._known = items

    def read(
        self,
        history: NDArray[np.int32],
        liking: NDArray[np.float32],
        off: NDArray[np.float32] | None = None,
    ) -> None:
        """Fill the table for `history`, newest first, how far its ratings lie above the user's mean, and how
        much of each item's part is to be taken off again (None: nothing).
        """
        graph = self.graph
        off = np.zeros(len(history), np.float32) if off is None else off
        n = read_shared(
            graph.start, graph.neighbour, graph.weight, self.node_of, self.row_of, history, liking, off,
            DIRECT, self.values, self.seen, self.touched, self._rows,
        )  # fmt: skip
        self.touched = self._rows[:n]

    def kept(self) -> Readings:
        """What was read, in arrays of its own."""
        rows = self.touched.copy()
        return Readings(rows, self.values.take(rows, axis=0))

    def strongest(self, row: int, history: NDArray[np.int32]) -> Shared | None:
        """Which item of `history` shares most with `row`; None where none shares anything."""
        graph, candidate = self.graph, int(self.node_of[row])
        if candidate < 0:
            return None
        nodes = self.node_of[history]
        at, entity = _strongest(graph.start, graph.neighbour, graph.weight, candidate, nodes, DIRECT)
        return None if at < 0 else Shared(int(history[at]), int(nodes[at]), candidate, entity)


@compiled
def read_shared(
    start: NDArray[np.int64],
    neighbour: NDArray[np.int32],
    weight: NDArray[np.float32],
    node_of: NDArray[np.int32],
    row_of: NDArray[np.int32],
    history: NDArray[np.int32],
    liking: NDArray[np.float32],
    off: NDArray[np.float32],
    direct: np.float32,
    values: NDArray[np.float32],
    seen: NDArray[np.uint8],
    touched: NDArray[np.int32],
    rows: NDArray[np.int32],
) -> int:
    """Forget `touched`, add up what the items of `history` share with others; how many rows were touched."""
    for k in range(len(touched)):
        seen[touched[k]] = 0
        values[touched[k]] = 0.0
    n = 0
    for p in range(len(history)):
        item = node_of[history[p]]
        if item < 0:
            continue
        for at in range(start[item], start[item + 1]):
            entity = neighbour[at]
            row = row_of[entity]
            if row >= 0:
                n = _add(row, direct, p, liking[p], off[p], values, seen, rows, n)
            its_weight = weight[entity]
            if its_weight == 0.0:
                continue
            for other in range(start[entity], start[entity + 1]):
                row = row_of[neighbour[other]]
                if row >= 0 and neighbour[other] != item:
                    n = _add(row, its_weight, p, liking[p], off[p], values, seen, rows, n)
    return n


@compiled
def _add(
    row: np.int32,
    part: np.float32,
    place: int,
    liking: np.float32,
    off: np.float32,
    values: NDArray[np.float32],
    seen: NDArray[np.uint8],
    rows: NDArray[np.int32],
    n: int,
) -> int:
    if seen[row] == 0:
        seen[row] = 1
        rows[n] = row
        n += 1
    if place == 0:
        values[row, ENTITY_LAST] += part
    values[row, ENTITY_TASTE] += part
    values[row, ENTITY_LIKED] += part * liking
    values[row, ENTITY_OFF] += part * off
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
