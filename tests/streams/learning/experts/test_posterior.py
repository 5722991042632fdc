"""Samples of the posterior: of which experts they are, how they are spread, and that all processes have the
same.
"""

from __future__ import annotations

import numpy as np
import pytest

from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.experts.level_state import GLOBAL
from streams.learning.experts.posterior import SAMPLES, Posterior, draw_weights, parts_of, sampled_scores
from streams.learning.experts.settings import ReweightingSettings
from streams.state.action_meaning import BUILT_IN
from tests.streams.learning.experts.scores import scored
from tests.streams.learning.experts.streams_of_choices import COLUMNS, clicks

FEATURES = np.random.default_rng(0).normal(size=(30, len(COLUMNS))).astype(np.float32)
EVERYBODY = Level()
LIKES = [0, 0.5, 0, 2, -1]


def learner(settings: ReweightingSettings = ReweightingSettings()) -> AdaptiveLearner:
    return AdaptiveLearner(settings, COLUMNS, BUILT_IN)


def taught(settings: ReweightingSettings = ReweightingSettings(), count: int = 60) -> AdaptiveLearner:
    learned = learner(settings)
    for each in clicks(np.random.default_rng(1), LIKES, count):
        learned.learn(each)
    return learned


def sampled(learned: AdaptiveLearner, level: Level = EVERYBODY, among: int = 30) -> np.ndarray:
    signals = np.ascontiguousarray(FEATURES[:, learned.reads])
    return learned.sampled(signals, among, np.arange(among), level)


def test_a_sample_is_a_normal_draw_with_the_mean_and_the_covariance_of_its_expert() -> None:
    experts = taught().levels.everyone.experts
    noise = np.random.default_rng(2).standard_normal((40_000, experts.mean.shape[1]))
    out = np.empty(noise.shape)
    draw_weights(experts.mean[2], experts.root[2], True, noise, np.arange(len(noise)), out)
    covariance = experts.root[2] @ experts.root[2].T
    np.testing.assert_allclose(out.mean(0), experts.mean[2], atol=0.01)
    np.testing.assert_allclose(np.cov(out.T), covariance, atol=0.02 * covariance.max())
    draw_weights(experts.mean[2], experts.root[2], False, noise, np.arange(len(noise)), out)
    assert (out == experts.mean[2]).all()


def test_experts_have_samples_by_their_weights() -> None:
    learned = taught()
    level = learned.levels.everyone
    parts = parts_of(learned.levels, "default", "feed")
    assert [part.expert for part in parts] == [0, 1, 2]
    weights = np.array([part.weight for part in parts])
    np.testing.assert_allclose(weights, np.exp(level.experts.log_weight))
    samples = Posterior().samples(learned.levels, "default", "feed")
    frozen = (samples.weights == level.experts.mean[0]).all(axis=1).sum()
    assert abs(frozen - SAMPLES * weights[0]) < 1


def test_before_any_lesson_samples_order_candidates_nearly_as_the_frozen_order_does() -> None:
    """Nothing is known of the other signals, not even how far they vary."""
    found = sampled(learner())
    base = FEATURES[:, 1]
    for scores in found:
        assert abs(np.corrcoef(scores, base)[0, 1]) == pytest.approx(1.0)
    assert np.corrcoef(found.mean(0), base)[0, 1] > 0.99


def test_what_was_learned_is_the_middle_of_the_samples_and_doubt_shrinks() -> None:
    spreads = []
    for count in (20, 400):
        learned = taught(ReweightingSettings(experts=("frozen", "kalman:1"), eta=0.0), count)
        found = sampled(learned)
        spreads.append(float(np.std(found - found.mean(1, keepdims=True), axis=0).mean()))
        if count == 400:
            learned.levels.everyone.guard.follow(True)
            served = scored(learned, FEATURES, EVERYBODY)
            assert np.corrcoef(found.mean(0), served)[0, 1] > 0.98
    assert spreads[1] < 0.7 * spreads[0]


def test_who_learned_the_same_has_the_same_samples_and_each_lesson_brings_new_ones() -> None:
    first, second = taught(), taught(count=30)
    again = learner()
    again.restore(second.pack())
    for each in list(clicks(np.random.default_rng(1), LIKES, 60))[30:]:
        again.learn(each)
    assert sampled(first).tobytes() == sampled(again).tobytes() == sampled(first).tobytes()
    assert sampled(first).tobytes() != sampled(second).tobytes()
    before = sampled(again)
    again.restore(second.pack())
    assert sampled(again).tobytes() == sampled(second).tobytes() != before.tobytes()


def test_scores_are_those_of_the_weights_for_the_candidates_asked_for() -> None:
    learned = taught()
    signals = np.ascontiguousarray(FEATURES[:, learned.reads])
    chosen = np.array([7, 2, 29])
    samples = Posterior().samples(learned.levels, "default", "feed")
    found = sampled_scores(samples, learned.scales, signals, 25, chosen)
    x = learned.scales.standardised(signals, 25)[chosen]
    np.testing.assert_allclose(found, samples.weights @ x.T, rtol=1e-12, atol=1e-12)


def two_arms() -> AdaptiveLearner:
    """Two arms whose users choose by different signals."""
    learned = learner()
    of_a = clicks(np.random.default_rng(0), [0, 0, 0, 2, 0], 150, arm="a")
    of_b = clicks(np.random.default_rng(1), [0, 0, 0, 0, 2], 150, arm="b")
    for pair in zip(of_a, of_b, strict=True):
        for each in pair:
            learned.learn(each)
    return learned


def test_an_arm_has_samples_of_its_own_level() -> None:
    learned = two_arms()
    parts = parts_of(learned.levels, "b", "feed")
    assert sum(part.weight for part in parts) == pytest.approx(1.0)
    own = learned.levels.below["arm:b"]
    everyone = learned.levels.everyone
    assert {id(part.level) for part in parts} == {id(own), id(everyone)}
    through_it = np.exp(own.experts.log_weight[own.names.index(GLOBAL)])
    weight = learned.levels.weights("b", "feed")
    of_everyone = sum(part.weight for part in parts if part.level is everyone)
    assert of_everyone == pytest.approx(weight[GLOBAL] + weight["arm:b"] * through_it)
    unit = FEATURES[:3].copy()
    unit[:, :] = 0.0
    unit[1, 3] = unit[2, 4] = 1.0
    signals = np.ascontiguousarray(unit[:, learned.reads])
    for arm, best in (("a", 1), ("b", 2)):
        found = learned.sampled(signals, 3, np.arange(3), Level(arm, "feed"))
        assert found.mean(0).argmax() == best


def test_samples_are_the_frozen_order_once_the_guard_has_found_the_adapted_one_worse() -> None:
    learned = taught()
    guard = learned.levels.everyone.guard
    assert not guard.on
    assert len(np.unique(sampled(learned), axis=0)) > SAMPLES / 2, "it has not decided yet"
    guard.state[:3] = 0.0, 1.0, 2.0
    base = FEATURES[:, 1] - FEATURES[0, 1]
    again = learner()
    again.restore(learned.pack())
    for scores in sampled(again):
        np.testing.assert_allclose(scores - scores[0], again.worth * base, atol=1e-6)


def test_a_classifier_of_rivers_is_itself_in_each_of_its_samples() -> None:
    learned = taught(ReweightingSettings(experts=("frozen", "river:linear_model.LogisticRegression")))
    samples = Posterior().samples(learned.levels, "default", "feed")
    ((river, mine),) = samples.rivers
    found = sampled(learned)
    x = learned.scales.standardised(np.ascontiguousarray(FEATURES[:, learned.reads]), 30)
    for s in mine.tolist():
        assert found[s].tolist() == river.scores(x).tolist()
