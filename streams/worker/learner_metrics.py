"""What the learner has come to, as the worker's metrics."""

from __future__ import annotations

from streams.learning.lesson import KINDS
from streams.recommender import Recommender
from streams.worker.metrics import WorkerMetrics


def collect_learner(recommender: Recommender, metrics: WorkerMetrics) -> None:
    """Bring the gauges up to date, while the core's thread goes on: its last report is read, no learner."""
    for name, count in recommender.learner.counts().items():
        (metrics.learned if name in KINDS else metrics.unlearned).labels(name).set(count)
    report = recommender.report
    for level, told in report.levels.items() if report is not None else ():
        metrics.learner_choices.labels(level).set(told.lessons)
        for expert, weight in told.weights.items():
            metrics.learner_weight.labels(level, expert).set(weight)
        for expert, loss in told.losses.items():
            metrics.learner_loss.labels(level, expert).set(loss)
