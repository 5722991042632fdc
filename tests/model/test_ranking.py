"""Places of the items that were met, on whole pools."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.batches import batches, rescorer_inputs
from model.network import FusionNet
from model.plan import NetworkPlan
from model.ranking import places, ranking, scores_of
from tests.model.examples_of import CANDIDATES, ITEMS, SCHEMA, VOCABULARY, planted


def net() -> FusionNet:
    torch.manual_seed(0)
    return FusionNet(NetworkPlan(width=8, hidden=(16, 8)), SCHEMA, ITEMS)


scores = st.lists(st.integers(-3, 3) | st.just(math.nan), min_size=0, max_size=6)


@given(st.lists(st.tuples(st.integers(-3, 3), scores, st.booleans()), min_size=1, max_size=5))
def test_a_place_counts_who_is_not_behind(rows: list[tuple[int, list[float], bool]]) -> None:
    width = max(len(others) for _, others, _ in rows)
    click = np.full((len(rows), width + 1), np.nan, np.float32)
    for row, (first, others, _) in enumerate(rows):
        click[row, : len(others) + 1] = [first, *others]
    found = places(click, np.array([found for _, _, found in rows]))
    assert found.dtype == np.int32
    assert found.tolist() == [
        1 + sum(other >= first for other in others) if met else 0 for first, others, met in rows
    ]


def test_ties_are_to_the_items_disadvantage_and_what_was_not_found_has_no_place() -> None:
    click = np.array([[1.0, 1.0, 1.0, 0.0], [2.0, 1.0, 0.0, np.nan], [9.0, 1.0, 1.0, 1.0]], np.float32)
    assert places(click, np.array([True, True, False])).tolist() == [3, 1, 0]


def test_scores_are_those_of_the_rescorer_and_nan_where_no_candidate_is() -> None:
    fusion, shards = net().train(), [planted(70, seed=1), planted(5, seed=2)]
    found = scores_of(fusion, shards, VOCABULARY)
    assert fusion.training  # as it was
    assert found.shape == (75, CANDIDATES, 3)
    candidates = np.concatenate([each.candidates for each in shards])
    assert (np.isnan(found).all(-1) == (candidates < 0)).all()
    fusion.eval()
    scoring = fusion.scoring()
    for at, batch in enumerate(batches(shards, VOCABULARY.numbering(), 1)):
        with torch.no_grad():
            expected = scoring(*map(torch.from_numpy, rescorer_inputs(fusion, batch)))
        there = batch.present[0].numpy()
        np.testing.assert_allclose(
            found[at, there].T, [each[0].numpy()[there] for each in expected], atol=1e-5
        )


def test_hit_rate_and_ndcg_by_hand() -> None:
    shards = [planted(40, seed=1)]
    hit_rate, ndcg = ranking(net(), shards, VOCABULARY)
    ranks = places(scores_of(net().eval(), shards, VOCABULARY)[..., 0], shards[0].found)
    hits = [0 < rank <= 10 for rank in ranks]
    assert hit_rate.value == pytest.approx(sum(hits) / 40)
    assert 0 < hit_rate.value < 1  # some were not found
    gains = [1 / math.log2(rank + 1) if hit else 0.0 for rank, hit in zip(ranks, hits, strict=True)]
    assert ndcg.value == pytest.approx(sum(gains) / 40)


def test_nothing_to_score_is_no_score() -> None:
    assert scores_of(net(), [], VOCABULARY).shape == (0, 0, 3)
