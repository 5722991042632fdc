"""Reasons name what truly brought an item."""

from __future__ import annotations

import numpy as np
import pytest

from streams.counters.pair_kinds import CLOSE, FORWARD, TOGETHER
from streams.ranking.explanations import AFTER_WINDOW, Places, ReasonSources, Recent, explain
from streams.ranking.slate import Reason
from streams.signals.pair_signals import FADE
from tests.streams.core import Small, unit

KINDS = {"after", "with", "similar", "popular", "new", "for_you"}


@pytest.fixture
def small() -> Small:
    found = Small(items=60)
    found.announce_all(seed=1)
    found.random_events(400, users=10, seed=2)
    return found


def explained(
    small: Small, history: list[int], rows: list[int], sources: list[str], scratch: np.ndarray | None = None
) -> list[Reason]:
    """The reasons of one slate, whose places these sources brought."""
    core = small.core
    if scratch is None:
        scratch = np.full(len(core.catalog), -1, np.int32)
    totals, entities = core.counters.popularity.total, core.pipeline.workspace.entities
    why = ReasonSources(core.catalog, core.counters.pairs, totals, sources, scratch, entities)
    ends, recent_ends = np.array([0, len(rows)]), np.array([0, len(history)])
    places = Places(ends, np.array(rows, np.int32), np.arange(len(rows), dtype=np.int8))
    (reasons,) = explain(places, Recent(recent_ends, np.array(history, np.int32)), why)
    return reasons


def count(small: Small, item: int, other: int, kind: int) -> float:
    pairs = small.core.counters.pairs
    for at in range(pairs.start[item], pairs.start[item] + pairs.length[item]):
        if pairs.neighbour[at] == other:
            return float(pairs.count[at, kind])
    return 0.0


def test_reasons_name_the_recent_item_with_the_largest_part_of_the_closeness(small: Small) -> None:
    rows = np.arange(60, dtype=np.int32)
    totals = small.core.counters.popularity.total
    named = set()
    for user in small.states:
        history = small.context(user).history.tolist()
        for source in ("transitions", "together"):
            reasons = explained(small, history[:AFTER_WINDOW], rows.tolist(), [source] * 60)
            for row, reason in zip(rows.tolist(), reasons, strict=True):
                parts = {
                    item: count(small, item, row, CLOSE) * FADE**place / max(float(totals[item]), 1.0) ** 0.5
                    for place, item in enumerate(history[:10])
                }
                strongest, total = max(parts.values(), default=0.0), sum(parts.values())
                if reason.item_id is not None:
                    item = small.core.catalog.rows[reason.item_id]
                    assert parts[item] == pytest.approx(strongest, rel=1e-5)
                    assert strongest >= 0.199 * total
                    followed = source == "transitions" and count(small, item, row, FORWARD) > 0
                    assert reason.kind == ("after" if followed else "with")
                    named.add(reason.kind)
                else:
                    assert strongest <= 0.201 * total
                    assert reason == Reason("for_you")
    assert named == {"after", "with"}


def test_every_reason_on_a_slate_holds(small: Small) -> None:
    seen = set()
    for user in small.states:
        draft = small.draft(user)
        history = draft.history[:10].tolist()
        for place in small.core.slate(draft).items:
            row, reason = small.core.catalog.rows[place.item_id], place.reason
            seen.add(reason.kind)
            assert reason.kind in KINDS
            assert (reason.item_id is not None) == (reason.kind in ("after", "with", "similar"))
            if reason.item_id is not None:
                item = small.core.catalog.rows[reason.item_id]
                assert item in history
                if reason.kind != "similar":
                    assert count(small, item, row, FORWARD if reason.kind == "after" else TOGETHER) > 0
    assert "with" in seen


def test_the_scratch_table_is_left_as_it_was() -> None:
    small = Small(items=9)
    small.act("u", 1)
    small.act("u", 7)
    scratch = np.full(9, -1, np.int32)
    assert explained(small, [1], [3, 7], ["transitions"] * 2, scratch) == [
        Reason("for_you"),
        Reason("after", "i1"),
    ]
    assert (scratch == -1).all()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("popular", Reason("popular")),
        ("trending", Reason("popular")),
        ("fresh", Reason("new")),
        ("somebody's own", Reason("for_you")),
        ("transitions", Reason("for_you")),
        ("nearest", Reason("for_you")),
    ],
)
def test_without_a_history_the_source_says_why(small: Small, source: str, reason: Reason) -> None:
    assert explained(small, [], [5], [source]) == [reason]


def test_similar_texts_are_named_and_unlike_ones_are_not() -> None:
    small = Small(items=4)
    e1, e2 = np.eye(64)[:2]
    for row, text in enumerate((e1, e2, e1 + 0.1 * e2, -e1)):
        small.announce(row, unit(text), ts=small.now_ms)
    found = explained(small, [1, 0], [2, 3], ["nearest"] * 2)
    assert found == [Reason("similar", "i0"), Reason("for_you")]


def test_an_order_that_is_unknown_is_half_a_transition(small: Small) -> None:
    """A pair that was only ever met in one tie still goes together."""
    tied = Small(items=3)
    tied.act("u", 0, ts=tied.now_ms + 1)
    tied.act("u", 1, ts=tied.now_ms)
    assert explained(tied, [0], [1], ["together"]) == [Reason("with", "i0")]
