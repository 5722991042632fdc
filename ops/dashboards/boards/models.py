"""Models in service, their indexes, and the examples that renewals learn from."""

from __future__ import annotations

from ops.dashboards.board import Board, lines
from ops.dashboards.objectives import RECALL_LEAST
from ops.dashboards.promql import gauge, quantile, rate, share


def board() -> Board:
    return Board(
        name="models",
        title="models and renewal",
        says="Models in service, switches and fallbacks, indexes of near items, examples for renewal.",
        jobs=("worker",),
        rows={
            "In service": [
                lines(
                    "Workers by model",
                    gauge("sum", "headrace_worker_model_info", "model", "provider"),
                    says="How many workers have each model in service, and on which provider.",
                ),
                lines("Switches", rate("headrace_worker_model_switches", "result")),
                lines(
                    "Other providers",
                    rate("headrace_worker_provider_fallbacks", "asked", "got"),
                ),
                lines("Served by the active model instead", rate("headrace_worker_model_fallbacks", "model")),
                lines(
                    "Slates with a model",
                    share("headrace_worker_slates", ranked_by="model", legend="with a model"),
                    says="The share of slates that a model scored. Without a model, none is.",
                    most=1,
                ),
                lines(
                    "Ranking and encoding, p99",
                    quantile(0.99, "headrace_worker_stage_seconds", "stage", stage="~recommend|encode"),
                    says="Time of a batch in the model, and of its texts in the encoder.",
                ),
            ],
            "Indexes of near items": [
                lines(
                    "Recall",
                    gauge("min", "headrace_worker_index_recall", "index", unit="percentunit"),
                    at_least=RECALL_LEAST,
                    most=1,
                ),
                lines("Items", gauge("max", "headrace_worker_index_items", "index")),
                lines("Samples", gauge("sum", "headrace_worker_index_samples", "index")),
            ],
            "Renewal": [
                lines("Examples logged", rate("headrace_worker_examples", "kind")),
                lines("Shards written", rate("headrace_worker_example_shards", "kind")),
                lines("Failures", rate("headrace_worker_example_failures", "reason")),
            ],
        },
    )
