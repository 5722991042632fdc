"""What shares entities with a user's items is found, on a slate and with its reason."""

from __future__ import annotations

import numpy as np
import pytest

from streams.events.schema import Click
from streams.ranking.candidates.entities import Entities
from streams.ranking.slate import Reason
from streams.settings.ranking import CandidateSettings
from streams.state.fold import Delivery
from streams.state.knowledge_graph import Graph, Triple, build
from tests.streams.core import START_MS, Small, with_settings
from tests.streams.ranking.test_explanations import explained

MAKERS = 40
EACH = 5  # items of one maker


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Item i<n> is made by maker n % MAKERS, and comes from one of two lands."""
    triples = [Triple(f"i{n}", "made_by", f"m{n % MAKERS}") for n in range(MAKERS * EACH)]
    return build([*triples, *(Triple(f"i{n}", "land", f"land{n % 2}") for n in range(MAKERS * EACH))])


def sources_of(small: Small, user: str) -> dict[int, str]:
    pipeline = small.core.pipeline
    draft = small.draft(user)
    return {int(row): pipeline.names[origin] for row, origin in zip(draft.rows, draft.origin, strict=True)}


def test_it_finds_what_the_next_item_is_where_entities_tell(graph: Graph) -> None:
    """Everybody goes on with the same maker, whose other items nobody has met: only the graph can know."""
    weights = {"trending": 0.1, "popular": 0.1, "fresh": 0.1}
    settings = with_settings(candidates=CandidateSettings(pool=20, weights=weights, reserve={}))
    small = Small(MAKERS * EACH, settings, graph)
    blind = Small(MAKERS * EACH, settings)
    rng = np.random.default_rng(5)
    found = missed = 0
    for n in range(MAKERS):
        first, then = (int(n + MAKERS * k) for k in rng.choice(EACH, 2, replace=False))
        for each in (small, blind):
            each.act(f"u{n}", first)
        found += then in sources_of(small, f"u{n}")
        missed += then not in sources_of(blind, f"u{n}")
        of_maker = set(range(n, MAKERS * EACH, MAKERS)) - {first}
        assert set(small.find(Entities(), f"u{n}")[: EACH - 1]) == of_maker
    assert found == MAKERS
    assert missed > MAKERS / 2


def test_items_that_come_later_are_linked_when_they_are_met(graph: Graph) -> None:
    small = Small(items=3, graph=graph)
    small.act("u", 1)
    assert small.core.pipeline.workspace.entities is not None
    late = f"i{1 + MAKERS}"
    small.core.meet(["unheard of", late], small.now_ms)
    row = small.core.catalog.rows[late]
    assert row in sources_of(small, "u")
    event = Click(event_id="late", ts=small.now_ms, user_id="v", item_id=late)
    state = small.core.apply(small.state("v"), event, Delivery("late", 0), None).state
    small.states["v"] = state
    assert 1 in small.find(Entities(), "v")


def test_without_a_graph_it_brings_nothing() -> None:
    small = Small(items=20)
    small.act("u", 1)
    assert small.find(Entities(), "u") == []
    assert "entities" not in sources_of(small, "u").values()


def test_reasons_name_the_item_and_what_is_shared(graph: Graph) -> None:
    small = Small(MAKERS * EACH, graph=graph)
    for row in (3, 8):
        small.act("u", row)
    rows, sources = [3 + MAKERS, 8 + MAKERS, 10, 3 + MAKERS], ["entities", "learned", "entities", "popular"]
    assert explained(small, [8, 3], rows, sources) == [
        Reason("shares", "i3", "also made by the same as"),
        Reason("shares", "i8", "also made by the same as"),
        Reason("shares", "i8", "same land as"),
        Reason("popular"),
    ]
    without = Small(MAKERS * EACH)
    assert explained(without, [8, 3], rows[:2], sources[:2]) == [Reason("for_you"), Reason("for_you")]


def test_a_slate_is_the_same_whoever_was_asked_before(graph: Graph) -> None:
    """The scratch table keeps nothing of the last user."""
    small = Small(MAKERS * EACH, graph=graph)
    small.random_events(300, users=9, seed=3)
    small.now_ms = START_MS
    alone = small.draft("u1").features.tobytes()
    small.core.pipeline.execute([small.request(user) for user in small.states])
    assert small.draft("u1").features.tobytes() == alone
