"""What the learner has come to, as the worker's metrics."""

from __future__ import annotations

from collections import Counter

from streams.learning.experts.level_state import GLOBAL, LevelReport
from streams.learning.lesson import KINDS
from streams.recommender import Recommender
from streams.worker.metrics import WorkerMetrics


def collect_learner(recommender: Recommender, metrics: WorkerMetrics) -> None:
    """Bring the gauges up to date, while the core's thread goes on: its last report is read, no learner.

    Surfaces are named by clients, so their levels are only counted.
    """
    for name, count in recommender.learner.counts().items():
        (metrics.learned if name in KINDS else metrics.unlearned).labels(name).set(count)
    _collect_sources(recommender, metrics)
    if (report := recommender.report) is None:
        return
    guards = Counter(told.guard.on for told in report.levels.values())
    for guard, on in (("on", True), ("off", False)):
        metrics.learner_levels.labels(guard).set(guards[on])
    for level in (GLOBAL, *(f"arm:{arm}" for arm in {arm for arm, _ in recommender.arms.declared})):
        if level in report.levels:
            _collect(level, report.levels[level], recommender.settings.reweighting.drift, metrics)


def _collect(level: str, told: LevelReport, detectors: tuple[str, ...], metrics: WorkerMetrics) -> None:
    metrics.learner_choices.labels(level).set(told.lessons)
    metrics.learner_adapts.labels(level).set(told.guard.on)
    for expert, weight in told.weights.items():
        metrics.learner_weight.labels(level, expert).set(weight)
    for expert, loss in told.losses.items():
        metrics.learner_loss.labels(level, expert).set(loss)
    marks = Counter(mark.detector for mark in told.marks)
    for detector in detectors:
        metrics.learner_marks.labels(level, detector).set(marks[detector])


def _collect_sources(recommender: Recommender, metrics: WorkerMetrics) -> None:
    """What sources earned, and the means of their quotas, by arms whose quotas follow it."""
    for source, earned in recommender.earned.items():
        metrics.source_rate.labels(source).set(earned.rate)
    for arm, shares in recommender.quotas().items():
        for source, share in shares.items():
            metrics.source_quota.labels(arm, source).set(share)
