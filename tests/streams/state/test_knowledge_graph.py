"""The graph as columns against plain dictionaries of sets."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ranking.relation_words import shared_words
from streams.signals.entity_signals import (
    ENTITY_LAST,
    ENTITY_LIKED,
    ENTITY_SIGNALS,
    ENTITY_TASTE,
    EntitySignals,
)
from streams.signals.signal_table import BatchSignals, SignalTable
from streams.state.knowledge_graph import Graph, Ties, Triple, build, in_words
from tests.streams.signals.test_pair_signals import histories

IDS = st.integers(0, 11).map(lambda n: f"n{n}")
TRIPLES = st.lists(st.builds(Triple, IDS, st.sampled_from(["a.b.c", "made_by"]), IDS), max_size=60)
Weights = dict[str, dict[str, float]]
LINKED = {f"n{n}": f"i{n}" for n in range(6)}
FILMS = [
    Triple("m1", "film.film.directed_by", "d"),
    Triple("d", "film.director.film", "m1"),
    Triple("m2", "film.film.directed_by", "d"),
    Triple("d", "film.director.film", "m2"),
    Triple("m1", "film.film.genre", "g"),
    Triple("m3", "film.film.genre", "g"),
    Triple("m1", "film.film.sequel", "m4"),
    Triple("a", "directed", "m2"),
    Triple("a", "acted_in", "m3"),
]


def naive_weights(triples: list[Triple], items: set[str], may_be_item: set[str], hub: int) -> Weights:
    """The weight that each two items share, by the words of `build`."""
    near: dict[str, set[str]] = defaultdict(set)
    for head, _, tail in triples:
        if head != tail and {head, tail} & may_be_item:
            near[head].add(tail)
            near[tail].add(head)
    weights: Weights = defaultdict(lambda: defaultdict(float))
    for one in items:
        for other in items - {one}:
            for entity in near[one] & near[other]:
                degree = len(near[entity] & may_be_item)
                weights[one][other] += 1.0 / math.log1p(degree) if degree <= hub else 0.0
            weights[one][other] += (other in near[one]) / math.log(3.0)
    return weights


def read(
    signals: EntitySignals, history: list[int], liking: list[float], items: int
) -> tuple[list[int], np.ndarray]:
    """The rows that share anything with a history, and the signals of all. Another user is read before."""
    table, places = SignalTable(ENTITY_SIGNALS), np.full(items, -1, np.int32)
    found = BatchSignals(table, 2)
    users = histories([[0, 1], history], [[1.0, -1.0], liking], [1, 1])
    signals.read(found, users, np.arange(2), len(history) + 2, places)
    assert (places == -1).all()
    its = found.of(1)
    values = np.zeros((items, ENTITY_SIGNALS), np.float32)
    values[its.rows] = its.values
    return its.rows.tolist(), values


@given(TRIPLES, st.booleans(), st.integers(1, 6), st.lists(st.integers(0, 5), max_size=6, unique=True))
def test_what_items_share_is_what_sets_say(
    triples: list[Triple], linked: bool, hub: int, history: list[int]
) -> None:
    graph = build(triples, LINKED if linked else None, hub_items=hub)
    ids = [f"i{n}" if linked else f"n{n}" for n in range(6)]
    nodes = {f"n{n}" for n in range(6)}
    weights = naive_weights(triples, nodes, nodes if linked else {f"n{n}" for n in range(12)}, hub)
    signals = EntitySignals(graph)
    signals.grow(ids[:4])
    signals.grow(ids)
    liking = np.linspace(-1.0, 1.5, len(history), dtype=np.float32)
    found_rows, values = read(signals, history, liking.tolist(), len(ids))
    for row in range(6):
        parts = [weights[f"n{item}"][f"n{row}"] for item in history]
        found = values[row]
        assert found[ENTITY_TASTE] == pytest.approx(sum(parts), abs=1e-5)
        assert found[ENTITY_LAST] == pytest.approx(parts[0] if parts else 0.0, abs=1e-5)
        liked = sum(part * float(how) for part, how in zip(parts, liking, strict=True))
        assert found[ENTITY_LIKED] == pytest.approx(liked, abs=1e-5)
        assert (row in found_rows) == (found[ENTITY_TASTE] > 0)
        strongest = signals.strongest(row, np.array(history, np.int32))
        if max(parts, default=0.0) > 0:
            assert strongest is not None
            assert parts[history.index(strongest.row)] == pytest.approx(max(parts), abs=1e-5)
            assert shared_words(graph, strongest)
        else:
            assert strongest is None


@given(TRIPLES, st.booleans())
def test_every_link_is_there_from_both_ends(triples: list[Triple], linked: bool) -> None:
    graph = build(triples, LINKED if linked else None)
    ends = {
        (a, int(b))
        for a in range(len(graph.weight))
        for b in graph.neighbour[graph.start[a] : graph.start[a + 1]]
    }
    assert ends == {(b, a) for a, b in ends}
    assert len(ends) == len(graph.neighbour)
    assert graph.digest() == build(triples, LINKED if linked else None).digest()


def test_both_directions_of_a_relation_are_one_link_with_words_for_both() -> None:
    graph = build(FILMS)
    node = graph.nodes
    assert graph.between(node["m1"], node["d"]) == Ties(("directed by",), ("director",))
    assert graph.between(node["d"], node["m1"]) == Ties(("film",), ("film",))
    assert graph.between(node["m3"], node["d"]) == Ties()
    assert in_words("/film/film/genre") == ("genre", "film")


def words(graph: Graph, candidate: str, item: str) -> str:
    signals = EntitySignals(graph)
    signals.grow([candidate, item])
    shared = signals.strongest(0, np.array([1], np.int32))
    assert shared is not None
    return shared_words(graph, shared)


def test_words_say_what_is_shared_and_no_more() -> None:
    graph = build(FILMS)
    assert words(graph, "m2", "m1") == "also directed by the director of"
    assert words(graph, "m3", "m1") == "same genre as"
    assert words(graph, "m4", "m1") == "sequel of"
    assert words(graph, "m1", "m4") == "linked to"  # the file does not say what m1 is to m4
    assert words(graph, "m3", "m2") == "has to do with"  # directed one, acted in the other
    named = build(FILMS, names={"d": "Agnès Varda", "g": "Drama", "a": "Ida"})
    assert words(named, "m2", "m1") == "also directed by Agnès Varda, as"
    assert words(named, "m3", "m1") == "same genre (Drama) as"
    assert words(named, "m3", "m2") == "has Ida in common with"


def test_a_name_for_two_things_is_two_nodes() -> None:
    """An entity may have the id that some item has."""
    triples = [Triple("e1", "r", "5"), Triple("e2", "r", "5")]
    graph = build(triples, {"e1": "5", "e2": "6"})
    signals = EntitySignals(graph)
    signals.grow(["5", "6"])
    found_rows, values = read(signals, [0], [0.0], 2)
    assert found_rows == [1]
    assert values[0].tolist() == [0.0, 0.0, 0.0, 0.0]
