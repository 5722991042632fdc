from __future__ import annotations

import numpy as np
import pytest

from streams.learning.experts import levels
from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.experts.level_state import GLOBAL
from streams.learning.experts.settings import ReweightingSettings
from streams.state.action_meaning import BUILT_IN
from tests.streams.learning.experts.scores import gain
from tests.streams.learning.experts.streams_of_choices import COLUMNS, clicks, lesson

SETTINGS = ReweightingSettings(eta=0.0, drift=(), silence=0.0, guard_alpha=0)


def learner(settings: ReweightingSettings = SETTINGS) -> AdaptiveLearner:
    return AdaptiveLearner(settings, COLUMNS, BUILT_IN)


def teach(learned: AdaptiveLearner, seed: int, likes: float, count: int, arm: str, surface: str) -> None:
    for each in clicks(np.random.default_rng(seed), [0, 1, 0, likes, 0], count, arm=arm, surface=surface):
        learned.learn(each)


def test_one_arm_and_one_surface_have_the_global_level_alone() -> None:
    learned = learner()
    teach(learned, 1, 1.0, 50, "default", "feed")
    assert list(learned.report().levels) == [GLOBAL]


def test_arms_whose_users_want_other_things_are_served_other_things() -> None:
    learned = learner()
    for n in range(12):
        teach(learned, n, 1.5, 50, "a", "feed")
        teach(learned, 100 + n, -1.5, 50, "b", "feed")
    assert set(learned.report().levels) == {GLOBAL, "arm:a", "arm:b"}
    assert gain(learned, Level("a", "feed")) > 0.7
    assert gain(learned, Level("b", "feed")) < -0.7
    assert abs(gain(learned, Level("c", "feed"))) < 0.7  # an arm that is not known: what all want
    assert abs(gain(learned, Level())) < 0.7


def test_guards_of_levels_go_with_the_global_one_at_first() -> None:
    """An arm that has too few lessons to find anything is served the adapted order once all together have
    found it better; so is an arm that comes later.
    """
    learned = learner(ReweightingSettings(eta=0.0, drift=(), silence=0.0))
    teach(learned, 1, 0.0, 1, "a", "feed")
    teach(learned, 2, 0.0, 5, "b", "feed")
    assert [told.guard.on for told in learned.report().levels.values()] == [False, False]
    frozen = np.array([0.5, 0.2], np.float32)
    signals = np.zeros((2, len(learned.reads)), np.float32)
    signals[:, 0], out = frozen, np.zeros(2, np.float32)
    learned.score(signals, np.array([0, 2]), np.array([2]), [Level("b", "feed")], out)
    assert out.tobytes() == frozen.tobytes()
    teach(learned, 3, 1.5, 300, "a", "feed")
    teach(learned, 4, 1.5, 5, "late", "feed")
    levels_now = learned.report().levels
    assert {name: (told.guard.on, len(told.guard.switches)) for name, told in levels_now.items()} == {
        GLOBAL: (True, 1),
        "arm:a": (True, 1),
        "arm:b": (True, 0),
        "arm:late": (True, 0),
    }
    assert gain(learned, Level("b", "feed")) > 0.5


def test_what_is_served_is_a_mixture_of_the_chances_of_levels() -> None:
    """Computed by hand. The frozen order has another scale in each level, and one level's guard is off."""
    learned = learner()
    teach(learned, 1, 1.5, 80, "a", "home")
    teach(learned, 2, -1.5, 80, "b", "cart")
    names = ("arm:b", "segment:cart")
    levels = [learned.levels.everyone, *(learned.levels.below[name] for name in names)]
    levels[1].experts.mean[0, 0], levels[2].guard.state[0] = 1.7, 0.0
    x = np.random.default_rng(3).normal(size=(12, len(learned.reads)))
    base, logs = x[:, 0].astype(np.float32), np.zeros((3, 12), np.float32)
    worth, _ = levels[0].mixed(x, base, base, 12, False, logs[0])
    levels[1].mixed(x, base, logs[0], 12, False, logs[1])
    logs[2] = levels[2].experts.mean[0, 0] * base
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    weights = np.exp(learned.levels.pairs[names])
    expected = np.log(weights @ chances)
    served = learned.levels.served("b", "cart", x, base, 12)
    np.testing.assert_allclose(worth * (served - served[0]), expected - expected[0], atol=1e-4)


def test_segments_are_surfaces() -> None:
    learned = learner()
    for n in range(12):
        teach(learned, n, 1.5, 50, "default", "home")
        teach(learned, 100 + n, -1.5, 50, "default", "cart")
    assert gain(learned, Level("default", "home")) > 0.7
    assert gain(learned, Level("default", "cart")) < -0.7
    assert set(learned.report().levels) == {GLOBAL, "segment:home", "segment:cart"}


def test_where_the_arms_do_not_differ_the_surface_decides() -> None:
    """An arm's own level has seen both kinds of users; what is served goes by the level that tells more."""
    learned = learner()
    for n in range(12):
        for arm in ("a", "b"):
            teach(learned, n, 1.5, 25, arm, "home")
            teach(learned, 100 + n, -1.5, 25, arm, "cart")
    for arm in ("a", "b"):
        assert gain(learned, Level(arm, "home")) > 0.6
        assert gain(learned, Level(arm, "cart")) < -0.6


def test_a_new_level_begins_with_what_all_want() -> None:
    """One expert of a level is the global mixture, so few lessons of its own do little harm."""
    learned = learner()
    teach(learned, 1, 1.5, 400, "a", "feed")
    teach(learned, 2, 1.5, 12, "b", "feed")
    assert "arm:b" in learned.report().levels
    assert gain(learned, Level("b", "feed")) > 0.5


def test_only_declared_kinds_have_levels() -> None:
    learned = learner(ReweightingSettings(eta=0.0, drift=(), levels=("segment",)))
    teach(learned, 1, 1.0, 20, "a", "home")
    teach(learned, 2, 1.0, 20, "b", "cart")
    assert set(learned.report().levels) == {GLOBAL, "segment:cart"}


def test_levels_are_bounded_and_idle_ones_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "IDLE", 50)
    learned = learner(ReweightingSettings(eta=0.0, drift=(), levels_max=2))
    for n, arm in enumerate(("first", "a", "b", "c")):
        teach(learned, n, 1.0, 10, arm, "feed")
    assert set(learned.report().levels) == {GLOBAL, "arm:a", "arm:b"}
    assert learned.counts()["level_full"] == 10
    teach(learned, 9, 1.0, 60, "b", "feed")
    teach(learned, 10, 1.0, 10, "c", "feed")
    assert set(learned.report().levels) == {GLOBAL, "arm:b", "arm:c"}
    assert {arm for arm, _ in learned.levels.pairs} == {"arm:b", "arm:c"}
    again = learner(learned.settings)
    again.restore(learned.pack())
    assert again.report() == learned.report()


def test_an_unnamed_surface_has_no_level() -> None:
    learned = learner()
    teach(learned, 1, 1.0, 10, "default", "home")
    teach(learned, 2, 1.0, 10, "default", "")
    teach(learned, 3, 1.0, 10, "default", "cart")
    assert set(learned.report().levels) == {GLOBAL, "segment:cart"}


def test_silence_moves_no_weight_between_levels() -> None:
    learned = learner()
    teach(learned, 1, 1.0, 10, "a", "feed")
    teach(learned, 2, 1.0, 10, "b", "feed")
    before = {names: weights.tolist() for names, weights in learned.levels.pairs.items()}
    rng = np.random.default_rng(3)
    for n in range(20):
        learned.learn(lesson(rng.normal(size=(5, len(COLUMNS))), user=f"s{n}", arm="b"))
    assert before == {names: weights.tolist() for names, weights in learned.levels.pairs.items()}
