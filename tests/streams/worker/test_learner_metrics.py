"""What the learner has come to, as an operator sees it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from streams.recommender import Recommender
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.worker.learner_metrics import collect_learner
from streams.worker.metrics import WorkerMetrics
from tests.streams.ranking.candidates.test_quotas import world as quotas_world
from tests.streams.ranking.test_adaptation import lessons


def seen(core: Recommender) -> WorkerMetrics:
    metrics = WorkerMetrics()
    collect_learner(core, metrics)
    return metrics


def value(metrics: WorkerMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"headrace_worker_{name}", labels)


def test_weights_and_losses_of_each_expert_are_told() -> None:
    core = Recommender(override(Settings(), {"reweighting": {"enabled": True}}))
    made = lessons(core, 60)
    core.learn([*made, replace(made[0], names=b"other"), replace(made[1], answers=())])
    core.look_back()
    metrics, experts = seen(core), core.settings.reweighting.experts
    weights = [value(metrics, "learner_weight", level="global", expert=name) for name in experts]
    assert sum(filter(None, weights)) == pytest.approx(1.0)
    losses = [value(metrics, "learner_loss", level="global", expert=name) for name in (*experts, "mixture")]
    frozen, *others = [loss for loss in losses if loss is not None]
    assert min(others) < frozen, "the popular one is clicked, which the model does not know"
    assert value(metrics, "learner_lessons", level="global") == 60
    assert value(metrics, "learned_lessons", kind="answered") == 61
    assert value(metrics, "learned_lessons", kind="silent") == 1
    assert value(metrics, "unlearned_lessons", reason="other_columns") == 1


def test_a_learner_that_only_counts_has_no_experts() -> None:
    core = Recommender(override(Settings(), {"reweighting": {"enabled": False}}))
    core.learn(lessons(core, 3))
    core.look_back()
    metrics = seen(core)
    assert value(metrics, "learned_lessons", kind="answered") == 3
    assert value(metrics, "learner_lessons", level="global") is None


def test_what_sources_earned_is_told_and_the_quotas_of_each_arm_that_follows_it() -> None:
    core = quotas_world().core
    core.look_back()
    metrics = seen(core)
    assert core.earnings is not None
    for source, earned in core.earnings.report().items():
        assert value(metrics, "source_rate", source=source) == pytest.approx(earned.rate)
        share = value(metrics, "source_quota", arm="earned", source=source)
        assert share is not None
        assert 0.02 <= share <= 0.25
        assert value(metrics, "source_quota", arm="plain", source=source) is None
    shares = core.quotas()["earned"]
    assert max(shares, key=shares.__getitem__) == "nearest"
    plain = seen(Recommender(Settings()))
    assert value(plain, "source_rate", source="nearest") is None
