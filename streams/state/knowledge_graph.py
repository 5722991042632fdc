"""A knowledge graph: which things each item is linked to, and by which relation.

Nodes are items and entities alike; `(head, relation, tail)` triples link them in either direction. Two items
are close if they share entities: each entity counts by the inverse logarithm of how many items it has (Adamic
& Adar, "Friends and neighbors on the Web", 2003), and an entity with very many items does not count.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIRECT = np.float32(1.0 / math.log(3.0))  # an item-to-item link counts like an entity of only these two


class Triple(NamedTuple):
    """One line of a triples file: `relation` leads from `head` to `tail`."""

    head: str
    relation: str
    tail: str


class Ties(NamedTuple):
    """The links from a node to its neighbour, in words: the node's own relations to it ("directed by"), and
    the neighbour's role in its relations to the node ("director").
    """

    forward: tuple[str, ...] = ()
    backward: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Links as sparse rows: those of node a are `neighbour[start[a]:start[a + 1]]`, in rising order.

    nodes: the number of each node's id; an item's node has the item id. start int64 [n + 1]. neighbour, tie
    int32 [links]: each link occurs from both of its ends. ties: the list that `tie` numbers. weight float32
    [n]: how much it counts that two items share the node; 0: nothing. names [n]: for people, "" for none in
    the file.
    """

    nodes: Mapping[str, int]
    start: NDArray[np.int64]
    neighbour: NDArray[np.int32]
    tie: NDArray[np.int32]
    ties: tuple[Ties, ...]
    weight: NDArray[np.float32]
    names: tuple[str, ...]

    def between(self, node: int, other: int) -> Ties:
        """The links from one node to another; empty if there are none."""
        begin, end = self.start[node : node + 2]
        at = begin + int(np.searchsorted(self.neighbour[begin:end], other))
        return self.ties[self.tie[at]] if at < end and self.neighbour[at] == other else Ties()

    def digest(self) -> str:
        """A short name for the parts of this graph that a model sees: its items, links and weights."""
        digest = hashlib.blake2b(digest_size=8)
        for node_id in self.nodes:
            digest.update(node_id.encode() + b"\0")
        for column in (self.start, self.neighbour, self.weight):
            digest.update(column.tobytes())
        return digest.hexdigest()


def build(
    triples: Iterable[Triple],
    items: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    hub_items: int = 200,
) -> Graph:
    """The graph of `triples`.

    items: the item id of each entity that is an item; the graph leaves out triples that touch no item. None:
    any node may be an item, by its own id. names: of entities, for people. hub_items: an entity with more
    items than this does not count.

    >>> graph = build([Triple("m1", "directed_by", "d"), Triple("m2", "directed_by", "d")])
    >>> graph.between(graph.nodes["m1"], graph.nodes["d"]).forward
    ('directed by',)
    >>> round(float(graph.weight[graph.nodes["d"]]), 3)
    0.91
    """
    nodes: dict[str, int] = {}
    labels: list[str] = []
    item_like: list[bool] = []

    def number(entity: str) -> int:
        item_id = None if items is None else items.get(entity)
        # An entity may have the same id as an item that is another thing.
        key = entity if items is None else f"item {item_id}" if item_id is not None else f"entity {entity}"
        if key not in nodes:
            nodes[key] = len(nodes)
            labels.append((names or {}).get(entity, ""))
            item_like.append(items is None or item_id is not None)
        return nodes[key]

    links: dict[tuple[int, int], tuple[dict[str, None], dict[str, None]]] = {}
    for head, relation, tail in triples:
        if items is not None and head not in items and tail not in items:
            continue
        a, b = number(head), number(tail)
        if a == b:
            continue
        forward, backward = in_words(relation)
        links.setdefault((a, b), ({}, {}))[0][forward] = None
        there = links.setdefault((b, a), ({}, {}))[1]
        if backward:
            there[backward] = None
    graph = _columns(links, np.array(item_like, np.bool_), hub_items)
    if items is not None:
        nodes = {key.removeprefix("item "): at for key, at in nodes.items() if key.startswith("item ")}
    return Graph(nodes, *graph, tuple(labels))


def in_words(relation: str) -> tuple[str, str]:
    """The tail's role for the head, and the head's role for the tail ("" if the name does not tell).

    Freebase names a relation by domain, type of its head, and role of its tail.

    >>> in_words("film.film.directed_by"), in_words("film.director.film"), in_words("directed_by")
    (('directed by', 'film'), ('film', 'director'), ('directed by', ''))
    """
    parts = [part.replace("_", " ").strip() for part in relation.replace("/", ".").split(".")]
    parts = [part for part in parts if part] or [relation]
    return parts[-1], parts[-2] if len(parts) > 2 else ""


def _columns(
    links: Mapping[tuple[int, int], tuple[dict[str, None], dict[str, None]]],
    item_like: NDArray[np.bool_],
    hub_items: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], tuple[Ties, ...], NDArray[np.float32]]:
    """start, neighbour, tie, ties, weight."""
    codes: dict[Ties, int] = {}
    pairs = sorted(links)
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    tie = np.empty(len(pairs), np.int32)
    for k, pair in enumerate(pairs):
        forward, backward = links[pair]
        tie[k] = codes.setdefault(Ties(tuple(forward), tuple(backward)), len(codes))
    start = np.searchsorted(ends[:, 0], np.arange(len(item_like) + 1)).astype(np.int64)
    its_items = np.bincount(ends[:, 0][item_like[ends[:, 1]]], minlength=len(item_like))
    shared = (its_items > 1) & (its_items <= hub_items)
    weight = np.zeros(len(item_like), np.float32)
    weight[shared] = 1.0 / np.log1p(its_items[shared])
    return start, ends[:, 1].astype(np.int32), tie, tuple(codes), weight
