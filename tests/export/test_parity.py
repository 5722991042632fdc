"""The gate's numbers, against ones worked out by hand and by scikit-learn."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from export.parity import HeldOut, ParityLimits, Score, check, measure
from export.random_inputs import random_inputs
from model.errors import ParityError
from model.schema import F32, RescorerInputs, Scores
from tests.export.conftest import SCHEMA


def answering(click: F32, rating: F32 | None = None) -> Score:
    def score(inputs: RescorerInputs) -> Scores:
        return Scores(click, np.zeros_like(click) if rating is None else rating)

    return score


def batch(users: int, candidates: int, positive: int = 0) -> HeldOut:
    return HeldOut(
        random_inputs(SCHEMA, users, candidates),
        np.full(users, positive, np.int64),
        np.ones((users, candidates), np.bool_),
    )


def test_equal_scores_have_no_error() -> None:
    click = np.random.default_rng(0).standard_normal((300, 30), np.float32)
    parity = measure(answering(click), answering(click), [batch(300, 30)])
    assert parity.click_error_max == parity.rating_error_max == parity.ndcg10_lost == 0.0
    assert parity.top10_agreement == 1.0
    check(parity)


def test_ndcg_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    click = rng.standard_normal((50, 30), np.float32)
    changed = click + rng.standard_normal((50, 30), np.float32)
    truth = np.zeros((50, 30))
    truth[:, 4] = 1
    parity = measure(answering(click), answering(changed), [batch(50, 30, positive=4)])
    assert parity.ndcg10 == pytest.approx(ndcg_score(truth, click, k=10))
    assert parity.ndcg10_lost == pytest.approx(
        ndcg_score(truth, click, k=10) - ndcg_score(truth, changed, k=10)
    )


def test_errors_by_hand() -> None:
    click = np.array([[0.0, 1.0]], np.float32)
    found = np.array([[0.5, 1.0]], np.float32)
    rating = np.array([[3.0, 3.0]], np.float32)
    parity = measure(answering(click, rating), answering(found, rating - 1), [batch(1, 2)])
    assert parity.click_error_max == 0.5
    assert parity.click_error_mean == 0.25
    assert parity.probability_error_max == pytest.approx(1 / (1 + np.exp(-0.5)) - 0.5)
    assert parity.rating_error_mean == 1.0


def test_lost_ndcg_must_exceed_its_noise() -> None:
    click = np.random.default_rng(6).standard_normal((400, 30), np.float32)
    exact = measure(answering(click), answering(click), [batch(400, 30)])
    check(msgspec.structs.replace(exact, ndcg10_lost=0.003, ndcg10_lost_error=0.001))
    with pytest.raises(ParityError, match=r"ndcg10_lost 0\.003 \(at most 0\.0022\)"):
        check(msgspec.structs.replace(exact, ndcg10_lost=0.003, ndcg10_lost_error=0.0001))


def test_standard_error_of_lost_ndcg_is_that_of_the_pairs() -> None:
    click = np.tile(np.arange(30, 0, -1, dtype=np.float32), (100, 1))
    found = click.copy()
    found[:20, 0] = -1.0  # a fifth of the users lose all of it: differences are 1 with probability .2
    parity = measure(answering(click), answering(found), [batch(100, 30)])
    assert parity.ndcg10_lost == pytest.approx(0.2)
    assert parity.ndcg10_lost_error == pytest.approx(np.sqrt(0.2 * 0.8 / 100))


def test_overlap_of_the_top_ten() -> None:
    click = np.arange(20, dtype=np.float32)[None]
    found = click.copy()
    found[0, [10, 11, 12]] = -1.0  # three of the ten best fall out
    assert measure(answering(click), answering(found), [batch(1, 20)]).top10_agreement == pytest.approx(0.7)


def test_padding_does_not_count() -> None:
    click = np.zeros((1, 12), np.float32)
    click[0, :2] = (2.0, 1.0)
    padded = click.copy()
    padded[0, 2:] = 99.0
    held = batch(1, 12)
    held.present[0, 2:] = False
    parity = measure(answering(click), answering(padded), [held])
    assert (parity.click_error_max, parity.top10_agreement, parity.ndcg10_lost) == (0.0, 1.0, 0.0)


def test_constant_scores_earn_nothing() -> None:
    click = np.random.default_rng(2).standard_normal((20, 30), np.float32)
    click[:, 0] = 9.0
    parity = measure(answering(click), answering(np.zeros_like(click)), [batch(20, 30)])
    assert (parity.ndcg10, parity.ndcg10_lost) == (1.0, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_scores_that_are_not_finite_fail(value: float) -> None:
    click = np.random.default_rng(3).standard_normal((300, 30), np.float32)
    broken = click.copy()
    broken[7, 5] = value
    with pytest.raises(ParityError, match="click_error_max"):
        check(measure(answering(click), answering(broken), [batch(300, 30)]))


def test_no_examples_fail() -> None:
    with pytest.raises(ParityError, match="expected held-out examples"):
        measure(answering(np.zeros((0, 3), np.float32)), answering(np.zeros((0, 3), np.float32)), [])


def test_every_number_outside_is_listed() -> None:
    click = np.random.default_rng(4).standard_normal((300, 30), np.float32)
    parity = measure(answering(click), answering(-5 * click, click + 2), [batch(300, 30)])
    with pytest.raises(ParityError) as raised:
        check(parity)
    for name in ParityLimits.__struct_fields__:
        if name not in ("examples", "ndcg10_lost"):
            assert name in str(raised.value)


@pytest.mark.parametrize("name", [name for name in ParityLimits.__struct_fields__ if name != "examples"])
def test_each_limit_holds_alone(name: str) -> None:
    click = np.random.default_rng(5).standard_normal((300, 30), np.float32)
    exact = measure(answering(click), answering(click), [batch(300, 30)])
    at_limit = msgspec.structs.replace(exact, **{name: getattr(ParityLimits(), name)})
    check(at_limit)
    beyond = -1e-6 if name == "top10_agreement" else 1e-6
    with pytest.raises(ParityError, match=rf"checkpoint: {name} [^,]+;"):
        check(msgspec.structs.replace(exact, **{name: getattr(ParityLimits(), name) + beyond}))
