"""What is learned from answers: lessons, experts, the guard, drift, and what sources earn."""

from __future__ import annotations

from ops.dashboards.board import Board, lines
from ops.dashboards.promql import gauge, rate


def board() -> Board:
    # All workers have learned the same, so the largest value of them is the value of each.
    return Board(
        name="learner",
        title="learner and guard",
        says="Lessons, weights and losses of experts, the guard, marks of drift, what sources earned.",
        jobs=("worker",),
        rows={
            "Lessons": [
                lines("Impressions", rate("headrace_worker_showings", "result"), stacked=True),
                lines("Answers", rate("headrace_worker_answers", "result"), stacked=True),
                lines("Slates closed", rate("headrace_worker_lessons", "kind"), stacked=True),
                lines("Lessons learned", gauge("max", "headrace_worker_learned_lessons", "kind")),
                lines("Taught nothing", gauge("max", "headrace_worker_unlearned_lessons", "reason")),
                lines("Lessons with a choice", gauge("max", "headrace_worker_learner_lessons", "level")),
            ],
            "Experts": [
                lines(
                    "Weights",
                    gauge("max", "headrace_worker_learner_weight", "level", "expert", unit="percentunit"),
                    most=1,
                ),
                lines("Losses", gauge("max", "headrace_worker_learner_loss", "level", "expert", unit="none")),
            ],
            "Guard": [
                lines("Moves scores", gauge("max", "headrace_worker_learner_adapts", "level"), most=1),
                lines("Levels", gauge("max", "headrace_worker_learner_levels", "guard"), stacked=True),
                lines("Drift", gauge("max", "headrace_worker_learner_drift_marks", "level", "detector")),
            ],
            "Sources": [
                lines(
                    "Clicks for a place", gauge("max", "headrace_worker_source_rate", "source", unit="none")
                ),
                lines(
                    "Part of the pool",
                    gauge("max", "headrace_worker_source_quota", "arm", "source", unit="percentunit"),
                    most=1,
                ),
            ],
        },
    )
