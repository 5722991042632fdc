"""Measures of diversity and exposure, against their definitions written out."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.worker_reports.diversity import category_entropy, exposure, intra_list_distance


@given(st.lists(st.integers(0, 6), max_size=30))
def test_entropy_of_categories(categories: list[int]) -> None:
    known = [each for each in categories if each]
    found = category_entropy(categories)
    if len(known) < 2:
        assert found is None
        return
    shares = [count / len(known) for count in Counter(known).values()]
    assert found == pytest.approx(-sum(p * np.log(p) for p in shares) / np.log(len(known)), abs=1e-6)
    assert found is not None
    assert 0 <= found <= 1


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), max_size=12))
def test_distance_within_a_list(rows: list[list[float]]) -> None:
    vectors = np.array(rows, np.float32).reshape(-1, 3)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.where(norms > 1e-3, vectors / np.maximum(norms, 1e-3), 0).astype(np.float32)
    known = [each for each in vectors if each.any()]
    found = intra_list_distance(vectors)
    if len(known) < 2:
        assert found is None
        return
    pairs = [1 - float(a @ b) for a, b in combinations(known, 2)]
    assert found == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(0, 300))
def test_exposure_is_ginis_mean_difference(counts: list[int], never_shown: int) -> None:
    catalogue = len(counts) + never_shown
    found = exposure(counts, catalogue)
    assert found is not None
    all_counts = np.array(counts + [0] * never_shown, float)
    difference = np.abs(all_counts[:, None] - all_counts[None, :]).mean()
    assert found.gini == pytest.approx(difference / (2 * all_counts.mean()), abs=1e-6)
    assert found.coverage == pytest.approx(len(counts) / catalogue)
    top = sorted(counts, reverse=True)[: max(1, catalogue // 100)]
    assert found.top_share == pytest.approx(sum(top) / sum(counts))


def test_nothing_shown_has_no_exposure() -> None:
    assert exposure([], 100) is None
    assert exposure([0, 0], 100) is None
    shown = exposure([3, 4], 0)
    assert shown is not None
    assert shown.coverage == 1.0, "a catalogue that is not known yet is at least what was shown"
