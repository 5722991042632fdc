"""From the heads of the model to one score."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.ranking.draft import Draft
from streams.ranking.reweighting import reweight
from streams.settings.sections import FeedSettings
from streams.state.user_state import UserState


def draft() -> Draft:
    made = Draft(UserState(), 0, "full", np.empty(0, np.int32))
    made.click = np.array([1.0, 2.0], np.float32)
    made.rating = np.array([5.0, 3.0], np.float32)
    made.more = {"like": np.array([0.0, -3.0], np.float32), "buy": np.array([200.0, -200.0], np.float32)}
    return made


def test_the_expected_rating_moves_the_score_by_its_weight() -> None:
    made = draft()
    reweight(made, FeedSettings(rating_weight=0.5), 4.0)
    assert made.score.tolist() == [1.5, 1.5]
    reweight(made, FeedSettings(), 4.0)
    assert made.score.tolist() == [1.0, 2.0]


def test_a_further_task_moves_it_by_the_logarithm_of_its_probability() -> None:
    made = draft()
    reweight(made, FeedSettings(task_weights={"like": 2.0}), 4.0)
    expected = [
        click + 2.0 * math.log(1 / (1 + math.exp(-logit)))
        for click, logit in zip([1.0, 2.0], [0.0, -3.0], strict=True)
    ]
    assert made.score.tolist() == pytest.approx(expected, rel=1e-6)
    assert made.score.dtype == np.float32


def test_weights_may_be_negative_and_logits_of_any_size_stay_finite() -> None:
    made = draft()
    reweight(made, FeedSettings(task_weights={"buy": -0.5}), 4.0)
    assert made.score.tolist() == pytest.approx([1.0, 2.0 + 100.0])


def test_a_task_that_the_model_does_not_have_moves_nothing() -> None:
    made = draft()
    reweight(made, FeedSettings(task_weights={"share": 3.0}), 4.0)
    assert made.score.tolist() == [1.0, 2.0]
