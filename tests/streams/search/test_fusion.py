"""Joined lists: against sums worked out one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import softmax

from streams.search.fusion import Found, by_ranks, by_scores, scaled
from streams.search.personal import personal_share

LISTS = st.lists(
    st.tuples(st.lists(st.integers(0, 30), unique=True, max_size=12), st.floats(0, 5, allow_subnormal=False)),
    min_size=1,
    max_size=4,
)


def made(lists: list[tuple[list[int], float]]) -> list[Found]:
    return [
        Found(np.array(rows, np.int32), np.linspace(1, 0.1, len(rows), dtype=np.float32), weight)
        for rows, weight in lists
    ]


@given(LISTS)
@example([([], 5.0), ([1], 1e-100)])  # what found nothing has a share that no float32 holds
def test_scores_are_the_weighted_means(lists: list[tuple[list[int], float]]) -> None:
    found = made(lists)
    fused, total = by_scores(found), sum(each.weight for each in found if len(each.rows))
    for row, score in zip(fused.rows.tolist(), fused.score.tolist(), strict=True):
        expected = sum(
            each.weight / total * each.scores[each.rows.tolist().index(row)]
            for each in found
            if row in each.rows.tolist() and total
        )
        assert abs(score - expected) < 1e-5
    assert (np.diff(fused.score) <= 0).all()
    assert set(fused.rows.tolist()) == {row for rows, _ in lists for row in rows}


@given(LISTS, st.floats(1, 100))
def test_ranks_are_reciprocal(lists: list[tuple[list[int], float]], constant: float) -> None:
    found = made(lists)
    fused, total = by_ranks(found, constant), sum(each.weight for each in found if len(each.rows))
    for row, score in zip(fused.rows.tolist(), fused.score.tolist(), strict=True):
        expected = sum(
            each.weight / (constant + each.rows.tolist().index(row) + 1)
            for each in found
            if row in each.rows.tolist()
        )
        assert not total or abs(score - expected * (constant + 1) / total) < 1e-4


def test_a_list_that_found_nothing_takes_no_weight_from_the_others() -> None:
    nothing = Found(np.empty(0, np.int32), np.empty(0, np.float32), 1.0)
    near = Found(np.array([7, 3], np.int32), np.array([0.8, 0.2], np.float32), 0.1)
    for fused in (by_scores([nothing, near]), by_scores([near])):
        assert fused.rows.tolist() == [7, 3]
        np.testing.assert_allclose(fused.score, [0.8, 0.2])
    assert by_ranks([nothing, near], 60.0).score[0] == 1.0


def test_word_scores_are_scaled_by_the_best() -> None:
    assert scaled(np.array([4.0, 1.0], np.float32)).tolist() == [1.0, 0.25]
    assert not len(scaled(np.empty(0, np.float32)))


def test_personal_share_is_a_softmax_with_a_place_for_nothing() -> None:
    rng = np.random.default_rng(5)
    history = rng.normal(size=(6, 8)).astype(np.float32)
    history /= np.linalg.norm(history, axis=1, keepdims=True)
    query = history[0]
    logits = [0.0, *(4.0 * (history @ query - 0.3))]
    assert abs(personal_share(query, history, 4.0, 0.3) - softmax(logits)[1:].sum()) < 1e-6


def test_items_without_text_get_no_attention() -> None:
    assert personal_share(np.ones(4, np.float32), np.zeros((3, 4), np.float32), 10.0, -1.0) == 0.0
