from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.learning.experts.mixture import Bounds, Experts, learn, new_experts, utilities
from streams.learning.experts.scoring import mixed_score
from tests.streams.learning.experts.laplace import Mixture

DISCOUNTS = (1.0, 0.999, 0.95)
BOUNDS = Bounds(share=0.01, prior_variance=0.5, step_max=0.4, loss_max=2.0, surprise_nats=0.5, silence=0.0)


def fresh(signals: int) -> Experts:
    return new_experts(np.array([0.0, *DISCOUNTS]), signals, BOUNDS.prior_variance)


def taught(
    experts: Experts,
    x: np.ndarray,
    offsets: np.ndarray,
    choices: list[tuple[int, int, float]],
    drawn: float = math.nan,
    bounds: Bounds = BOUNDS,
) -> np.ndarray:
    """The losses of one slate's choices."""
    losses = np.zeros(len(experts.discount) + 1)
    made, said = np.array(choices, np.float64).reshape(-1, 3), np.zeros((len(experts.discount), len(x)))
    utilities(experts, x, said)
    learn(
        experts, bounds, x, offsets, np.ones(len(x), np.bool_), made[:, 0].astype(np.int64),
        made[:, 1].copy(), made[:, 2].copy(), drawn, said, losses,
    )  # fmt: skip
    return losses


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), places=st.integers(2, 12), signals=st.integers(1, 8))
def test_a_stream_of_choices_teaches_what_inverses_teach(seed: int, places: int, signals: int) -> None:
    rng = np.random.default_rng(seed)
    experts = fresh(signals)
    plain = Mixture(signals, DISCOUNTS, BOUNDS.share, BOUNDS.prior_variance, BOUNDS.step_max)
    for _ in range(60):
        x, offsets = rng.normal(size=(places, signals)), -rng.random(places)
        chosen = rng.permutation(places)[: rng.integers(1, places)].tolist()
        choices = [(place, int(rng.choice([1, -1])), float(rng.uniform(0.2, 2))) for place in chosen]
        taught(experts, x, offsets, choices)
        plain.learn(x, offsets, choices, BOUNDS.loss_max, BOUNDS.surprise_nats)
    for e, expert in enumerate(plain.experts, 1):
        covariance = experts.root[e] @ experts.root[e].T
        np.testing.assert_allclose(experts.mean[e], expert.mean, rtol=0, atol=1e-8)
        np.testing.assert_allclose(covariance, expert.covariance, rtol=0, atol=1e-8)
    assert experts.mean[0, 0] == pytest.approx(plain.scale, rel=1e-8)
    np.testing.assert_allclose(np.exp(experts.log_weight), plain.weights, rtol=1e-7)
    x = rng.normal(size=(30, signals))
    base, out = x[:, 0].astype(np.float32), np.zeros(30, np.float32)
    worth, level = mixed_score(experts, x, np.zeros((4, 30)), base, 30, False, out)
    assert level == pytest.approx(np.log(np.exp(plain.scale * x[:, 0]).sum()))
    np.testing.assert_allclose(out, plain.score(x), rtol=0, atol=1e-5)
    scaled = np.zeros(30, np.float32)
    mixed_score(experts, x, np.zeros((4, 30)), base, 30, True, scaled)
    np.testing.assert_allclose(worth * scaled - level, out, rtol=0, atol=1e-4)
    leading = float(plain.weights @ [plain.scale, *(expert.mean[0] for expert in plain.experts)])
    assert worth == pytest.approx(max(leading, plain.scale))


def test_the_frozen_order_stays_what_it_is() -> None:
    experts, rng = fresh(3), np.random.default_rng(1)
    for _ in range(50):
        taught(experts, rng.normal(size=(5, 3)), np.zeros(5), [(int(rng.integers(5)), 1, 1.0)])
    assert experts.mean[0, 0] > 0
    assert experts.mean[0, 1:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scale", [0.2, 3.0])
def test_the_scale_of_the_frozen_order_is_learned(scale: float) -> None:
    """Users choose by the frozen scores, whose scale is wrong. The frozen expert finds it, so that linear
    ones, which have nothing else to tell, do not take its weight.
    """
    rng, experts = np.random.default_rng(1), fresh(6)
    for _ in range(2_000):
        x = rng.normal(size=(10, 6))
        taught(experts, x, np.zeros(10), [(int(np.argmax(scale * x[:, 0] + rng.gumbel(size=10))), 1, 1.0)])
    assert experts.mean[0, 0] == pytest.approx(scale, rel=0.3)
    assert np.exp(experts.log_weight[0]) > 0.25  # those that learn all weights come near it after long


def test_a_frozen_order_that_is_upside_down_keeps_its_direction() -> None:
    rng, experts = np.random.default_rng(1), fresh(1)
    for _ in range(3_000):
        x = rng.normal(size=(10, 1))
        taught(experts, x, np.zeros(10), [(int(np.argmin(x[:, 0])), 1, 1.0)])
    assert experts.mean[0, 0] == pytest.approx(0.02)


def test_weights_sum_to_one_and_none_is_lost() -> None:
    experts, rng = fresh(2), np.random.default_rng(2)
    for _ in range(500):
        taught(experts, 50 * rng.normal(size=(4, 2)), np.zeros(4), [(0, 1, 1.0), (2, -1, 1.0)])
        weights = np.exp(experts.log_weight)
        assert weights.sum() == pytest.approx(1.0)
        assert weights.min() >= BOUNDS.share / len(weights) * (1 - 1e-9)
    assert np.isfinite(experts.mean).all()
    assert np.isfinite(experts.root).all()


def test_the_weight_follows_who_is_right_and_comes_back() -> None:
    """What was liked is turned round twice: experts that forget lead after some hundred choices; in the long
    calm before, those that do not forget.
    """
    rng, experts = np.random.default_rng(3), fresh(4)
    truth = np.array([1.0, 1.5, 0.0, 0.0])
    led: list[list[float]] = []
    for weights, count in ((truth, 3_000), (-truth, 300), (truth, 300)):
        for _ in range(count):
            x = rng.normal(size=(10, 4))
            place = int(np.argmax(x @ weights + rng.gumbel(size=10)))
            taught(experts, x, np.zeros(10), [(place, 1, 1.0)])
        led.append(np.exp(experts.log_weight).tolist())
    calm, turned, back = led
    assert calm[1] + calm[2] > 0.8
    assert turned[3] > 0.8
    assert back[3] > 0.8


def test_what_is_never_looked_at_is_no_bad_sign() -> None:
    """All choose the second signal, but see the first places only; the frozen order put the first signal
    there. With the examination known, the first signal keeps its weight.
    """
    rng = np.random.default_rng(4)
    seen = -2.0 * np.log(np.arange(1, 11))
    told, untold = fresh(2), fresh(2)
    for _ in range(2_000):
        x = rng.normal(size=(10, 2))
        x = x[np.argsort(-x[:, 0])]
        place = int(np.argmax(x @ [0.0, 1.0] + seen + rng.gumbel(size=10)))
        taught(told, x, seen, [(place, 1, 1.0)])
        taught(untold, x, np.zeros(10), [(place, 1, 1.0)])
    assert abs(told.mean[1, 0]) < 0.3
    assert untold.mean[1, 0] > 1.0
    assert told.mean[1, 1] == pytest.approx(1.0, abs=0.15)


def test_silence_counts_by_the_chance_that_a_place_was_seen() -> None:
    """Nobody answers slates whose first place is full of a signal; below, the same signal costs less."""
    bounds = BOUNDS._replace(silence=1.0)
    at_first, at_last = fresh(2), fresh(2)
    seen = -1.5 * np.log(np.arange(1, 7))
    for experts, place in ((at_first, 0), (at_last, 5)):
        x = np.zeros((6, 2))
        x[place, 1] = 1.0
        for _ in range(20):
            taught(experts, x, seen, [], drawn=0.0, bounds=bounds)
    assert at_first.mean[1, 1] < at_last.mean[1, 1]
    assert at_first.mean[1, 1] < -0.05


def test_slates_that_are_answered_as_often_as_ever_teach_little() -> None:
    """That nine in ten slates are silent is no sign against what they show: the threshold learns it."""
    rng, bounds, experts = np.random.default_rng(5), BOUNDS._replace(silence=0.1), fresh(3)
    for _ in range(2_000):
        drawn = float(rng.random() < 0.1)
        taught(experts, rng.normal(size=(8, 3)), np.zeros(8), [], drawn=drawn, bounds=bounds)
    assert np.abs(experts.mean[1, 1:]).max() < 0.15
    assert experts.threshold[1, 0] == pytest.approx(math.log(9), abs=0.6)
