"""Places by text alone: by hand, and against a loop that keeps every mean itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.schema import F32
from streams.datasets.interactions import Interactions
from streams.offline.text_tuning.text_recall import HISTORY, next_item_ranks


def stream(pairs: list[tuple[str, str]]) -> Interactions:
    count = len(pairs)
    return Interactions(
        [user for user, _ in pairs],
        [item for _, item in pairs],
        np.arange(count, dtype=np.int64),
        np.full(count, np.nan, np.float32),
    )


def unit(*values: float) -> F32:
    vector = np.array(values, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def test_by_hand() -> None:
    announced = {"east": unit(1, 0), "north": unit(0, 1), "between": unit(1, 1), "west": unit(-1, 0)}
    events = stream(
        [("u", "east"), ("u", "between"), ("u", "west"), ("v", "east"), ("u", "unknown"), ("u", "east")]
    )
    # u after east: between, north, west. After both: north, west. Then: no history; no text; met before.
    assert next_item_ranks(events, announced, {}, 1, 6).tolist() == [1, 2, 0, 0, 0]
    assert next_item_ranks(events, announced, {}, 2, 3).tolist() == [2]


def test_an_item_is_what_was_said_of_it_so_far() -> None:
    events = stream([("u", "a"), ("v", "b"), ("w", "c"), ("u", "b"), ("w", "b")])
    words = {0: unit(1, 0), 1: unit(0, 1), 2: unit(1, 1), 3: unit(1, 0)}
    # b was said to be far from a; then u said it is like a, which makes it no other than c for w's eyes.
    assert next_item_ranks(events, {}, words, 3, 5).tolist() == [2, 1]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=3, max_size=60), st.integers(0, 1_000)
)
def test_against_a_loop(pairs: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    announced = {f"i{k}": unit(*rng.normal(size=5)) for k in range(4)}
    words = {k: unit(*rng.normal(size=5)) for k in range(len(pairs)) if rng.random() < 0.7}
    events = stream([(f"u{user}", f"i{item}") for user, item in pairs])
    vectors = {item: vector.astype(np.float16).astype(np.float64) for item, vector in announced.items()}
    count: dict[str, int] = {}
    met: dict[str, list[str]] = {}
    expected = []
    for k, (user, item) in enumerate(zip(events.user, events.item, strict=True)):
        history = met.setdefault(user, [])
        taste = sum((vectors[each] for each in history[-HISTORY:] if each in vectors), np.zeros(5))
        if item in history or item not in vectors or not np.any(taste):
            expected.append(0)
        else:
            scores = {each: vectors[each] @ taste for each in vectors if each not in history}
            expected.append(sum(bool(score >= scores[item] - 1e-9) for score in scores.values()))
        if item not in announced and k in words:
            count[item] = count.get(item, 0) + 1
            before = vectors.get(item, np.zeros(5))
            mean = before + (words[k] - before) / count[item]
            vectors[item] = mean / np.linalg.norm(mean)
        history.append(item)
    found = next_item_ranks(events, announced, words, 0, len(pairs))
    np.testing.assert_array_equal(found, expected)


def test_a_later_event_changes_no_earlier_place() -> None:
    rng = np.random.default_rng(2)
    words = {k: unit(*rng.normal(size=4)) for k in range(40)}
    events = stream([(f"u{rng.integers(4)}", f"i{rng.integers(12)}") for _ in range(40)])
    whole = next_item_ranks(events, {}, words, 0, 40)
    for until in (10, 25):
        early = {k: vector for k, vector in words.items() if k < until}
        np.testing.assert_array_equal(next_item_ranks(events, {}, early, 0, until), whole[:until])
    assert whole.max() > 0
    assert pytest.approx(0.0) != float(whole.std())
