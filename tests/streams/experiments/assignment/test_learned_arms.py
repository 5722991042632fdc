"""A level of the learner is an arm of what changes scores, not a combination of all that runs."""

from __future__ import annotations

from streams.experiments.assignment.learned_arms import experiments_that_learn, level_names
from streams.learning.experts.adaptive_learner import AdaptiveLearner
from streams.recommender import Recommender
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.user_state import UserState
from tests.streams.experiments.declarations import experiment, raw


def arms(**stages: object) -> dict[str, object]:
    return {"plain": {}, "bold": {"stages": stages}}


def test_experiments_whose_arms_differ_in_scores_have_levels() -> None:
    declared = {
        "size": experiment(arms=arms(feed={"size": 3})),
        "stars": experiment(arms=arms(feed={"rating_weight": 0.1})),
        "tasks": experiment(arms=arms(feed={"task_weights": {"click": 1.0}})),
        "net": experiment(arms={"plain": {}, "bold": {"model": "second"}}),
        "off": experiment(arms=arms(rescoring={"enabled": False})),
        "found": experiment(arms=arms(candidates={"pool": 99})),
    }
    assert experiments_that_learn((), declared) == {"stars", "tasks", "net", "off"}
    assert experiments_that_learn(("size",), declared) == {"size"}


def test_what_does_not_change_scores_makes_no_level() -> None:
    name = level_names({"net", "stars"}, "default")
    assert name("look=plain,net=bold,size=small") == name("net~3=bold!,size=large") == "net=bold"
    assert name("net=bold~4,stars=plain") == "net=bold,stars=plain"
    assert name("look=plain") == name("default") == "default"
    assert name("calm") == "calm"


def test_twenty_experiments_fill_no_levels() -> None:
    """Lessons and requests go by the same names, also after a snapshot was read."""
    stages = {"reweighting": {"enabled": True}}
    settings = override(Settings(), {"experiments": {"net": raw({"plain": {}, "bold": {"stages": stages}})}})
    core = Recommender(settings)
    assert isinstance(core.learner, AdaptiveLearner)
    for _ in range(2):
        for n in range(50):
            level = core.learner.level(f"look{n}=a,net={'plain' if n % 2 else 'bold'}", "feed", UserState())
            assert level.arm == f"net={'plain' if n % 2 else 'bold'}"
        core.learner.restore(core.learner.pack())
