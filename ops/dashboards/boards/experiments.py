"""What of experiments is in the metrics: whether their data is whole, and how their arms are served.

Their results are not: a rate over processes is no estimate. `headrace experiments show` has intervals.
"""

from __future__ import annotations

from ops.dashboards.board import Board, lines
from ops.dashboards.promql import gauge, rate, share


def board() -> Board:
    return Board(
        name="experiments",
        title="experiments",
        says="Whether experiments get impressions and answers, and whether arms are served as declared. "
        "Results with intervals: headrace experiments.",
        jobs=("worker", "gateway"),
        rows={
            "Data": [
                lines(
                    "Impressions logged",
                    rate("headrace_gateway_impressions", "result"),
                    says="Dropped impressions make click-through look higher than it is.",
                ),
                lines(
                    "Impressions by what they showed",
                    share("headrace_worker_showings", "result"),
                    stacked=True,
                ),
                lines("Answers by their slate", share("headrace_worker_answers", "result"), stacked=True),
            ],
            "Arms": [
                lines("Served by the active model instead", rate("headrace_worker_model_fallbacks", "model")),
                lines("Places drawn", rate("headrace_worker_explored_places", "arm")),
                lines(
                    "Adapted arms",
                    gauge("max", "headrace_worker_learner_adapts", "level", level="~arm:.*"),
                    most=1,
                ),
            ],
            "Equal chances": [
                lines("Rungs of slates", share("headrace_worker_slates", "rung"), stacked=True, most=1),
                lines(
                    "Quotas of arms",
                    gauge("max", "headrace_worker_source_quota", "arm", "source", unit="percentunit"),
                    most=1,
                ),
            ],
        },
    )
