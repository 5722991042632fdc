from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.evaluate import hit_rate, mrr, ndcg
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.offline.replay import baselines
from streams.offline.replay.baselines import Baseline, Popularity, Transitions, first_of, rank_of, tie_order
from tests.streams.datasets.readable import ml_100k

ITEMS, USERS = 6, 3
EVENTS = st.lists(
    st.tuples(st.integers(0, USERS - 1), st.integers(0, ITEMS - 1), st.integers(0, 2)), max_size=60
)
NOTHING = np.zeros(ITEMS, np.bool_)


def in_order(events: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Times that never go back: each event's third number is the step to it."""
    now, ordered = 0, []
    for user, item, step in events:
        now += step
        ordered.append((user, item, now))
    return ordered


@given(EVENTS)
def test_popularity_counts(events: list[tuple[int, int, int]]) -> None:
    popularity = Popularity(ITEMS)
    for event in events:
        popularity.learn(*event)
    counts = Counter(item for _, item, _ in events)
    assert popularity.scores(0, NOTHING).tolist() == [counts[item] for item in range(ITEMS)]


@pytest.mark.parametrize("dense_items", [0, ITEMS])
def test_transitions_by_their_definition(dense_items: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "DENSE_ITEMS", dense_items)

    @given(EVENTS)
    def check(events: list[tuple[int, int, int]]) -> None:
        transitions = Transitions(ITEMS, window=3)
        weight = np.zeros((ITEMS, ITEMS))
        past: dict[int, list[tuple[int, int]]] = {user: [] for user in range(USERS)}
        for user, item, ts in in_order(events):
            for distance, (before, then) in enumerate(reversed(past[user][-3:]), 1):
                share = 1 / distance
                if then == ts:
                    weight[before, item] += share / 2
                    weight[item, before] += share / 2
                else:
                    weight[before, item] += share
            past[user].append((item, ts))
            transitions.learn(user, item, ts)
        for user in range(USERS):
            expected = np.zeros(ITEMS)
            for distance, (before, _) in enumerate(reversed(past[user][-3:]), 1):
                expected += weight[before] / distance
            assert transitions.scores(user, NOTHING) == pytest.approx(expected, rel=1e-5)

    check()


def test_two_events_in_one_tie_do_not_teach_their_order() -> None:
    ways = []
    for first, second in ((1, 2), (2, 1)):
        transitions = Transitions(ITEMS)
        transitions.learn(0, first, 5)
        transitions.learn(0, second, 5)
        transitions.learn(1, 1, 6)
        ways.append(transitions.scores(1, NOTHING).tolist())
    assert ways[0] == ways[1]


SCORES = st.lists(st.integers(0, 3), min_size=1, max_size=12)


@given(SCORES, st.data(), st.integers(0, 5))
def test_ranks_are_the_places_of_a_full_sort(scores: list[int], data: st.DataObject, seed: int) -> None:
    met = np.array(data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores))))
    values, order = np.array(scores, np.float32), tie_order(len(scores), seed)
    left = sorted((i for i in range(len(scores)) if not met[i]), key=lambda i: (-values[i], order[i]))
    for item in range(len(scores)):
        assert rank_of(item, values, met, order) == (left.index(item) + 1 if item in left else 0)
    for count in range(1, len(scores) + 1):
        assert first_of(count, values, met, order).tolist() == left[:count]


def test_tie_order_is_a_permutation_that_follows_the_seed() -> None:
    assert sorted(tie_order(100, 1)) == list(range(100))
    assert (tie_order(100, 1) == tie_order(100, 1)).all()
    assert (tie_order(100, 1) != tie_order(100, 2)).any()


def test_known_figures_on_ml_100k() -> None:
    """Measured before by other code: popularity .076/.036/.035, transitions .196/.102/.090."""
    stream = load_dataset(DatasetSpec(ml_100k("inter"))).interactions
    users = {user: number for number, user in enumerate(dict.fromkeys(stream.user))}
    items = {item: number for number, item in enumerate(dict.fromkeys(stream.item))}
    order = tie_order(len(items), 7)
    met = np.zeros((len(users), len(items)), np.bool_)
    seen = np.zeros(len(items), np.bool_)
    systems: list[Baseline] = [Popularity(len(items)), Transitions(len(items))]
    ranks: list[list[int]] = [[], []]
    warm = len(stream) // 2
    for k, (name, item_id, ts) in enumerate(
        zip(stream.user, stream.item, stream.ts_ms.tolist(), strict=True)
    ):
        user, item = users[name], items[item_id]
        if k >= warm and seen[item] and not met[user, item]:
            hidden = met[user] | ~seen
            for system, found in zip(systems, ranks, strict=True):
                found.append(rank_of(item, system.scores(user, hidden), hidden, order))
        for system in systems:
            system.learn(user, item, ts)
        met[user, item] = seen[item] = True
    known = [(0.076, 0.036, 0.035), (0.196, 0.102, 0.090)]
    for found, figures in zip(ranks, known, strict=True):
        measured = (hit_rate(found).value, ndcg(found).value, mrr(found).value)
        assert measured == pytest.approx(figures, abs=0.004)
