"""`headrace train --compare-...`: networks side by side on one dataset, as a table, a plot and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from rich.console import Console
from rich.table import Table

from export.registry import Registry
from model.compare import Row, Variant, compare
from model.evaluate import Estimate
from model.plan import NetworkPlan
from model.schema import EncoderKind, FusionKind
from model.train import Progress
from streams.datasets.dataset import Dataset
from streams.offline.training.dataset_texts import Say, text_encoder, texts_of
from streams.offline.training.half_lives import adapted
from streams.offline.training.model_schema import schema_of, tasks_of, vocabulary_of
from streams.offline.training.warming import prepare, warm
from streams.settings.tree import Settings

COMPARISONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fusion": ("fusion", get_args(FusionKind)),
    "encoder": ("encoder", get_args(EncoderKind)),
}
"""What a comparison may vary: the field of `NetworkPlan` and its values."""


def variants(what: str, settings: Settings) -> list[Variant]:
    """The network of the settings with each value of one field; the settings' own value first."""
    field, values = COMPARISONS[what]
    network, plan = settings.model.network, settings.model.training
    chosen = getattr(network, field)
    return [
        Variant(value, msgspec.structs.replace(network, **{field: value}), plan)
        for value in sorted(values, key=lambda value: value != chosen)
    ]


def compared(
    dataset: Dataset, settings: Settings, registry: Registry, until: int, chosen: Sequence[Variant], say: Say
) -> list[Row]:
    """Collect examples up to event `until` once, then train and judge each variant on them."""
    settings = adapted(settings, dataset.interactions, until)
    encoder = text_encoder(registry, texts_of(dataset, until), settings, say)
    run = prepare(dataset, settings, encoder.project, say)
    shards, held_out = warm(run, until, settings, say)
    tasks = tasks_of(settings, shards)
    vocabulary = vocabulary_of(run.recommender.catalog.ids, NetworkPlan())
    return compare(
        chosen, shards, held_out, schema_of(run.recommender, tasks), tasks, vocabulary, _report_to(say)
    )


def _report_to(say: Say) -> Callable[[str, Progress], None]:
    def report(name: str, progress: Progress) -> None:
        say(f"training {name}", progress.done, progress.total)

    return report


def print_rows(console: Console, what: str, rows: Sequence[Row]) -> None:
    """Print the table; the other rows are compared with the first one."""
    table = Table(title=f"{what}, the same examples and passes; ± one standard error", title_justify="left")
    table.add_column(what)
    heads = ("HR@10", "NDCG@10", "NDCG@10 ahead", "recall@200 by itself", "RMSE", "weights", "CPU s")
    for head in heads:
        table.add_column(head, justify="right")
    for row in rows:
        estimates = (row.hit_rate, row.ndcg, row.ahead, row.recall, row.rmse)
        shown = [f"{each.value:.4f} ±{each.error:.4f}" for each in estimates]
        table.add_row(row.name, *shown, f"{row.parameters:,}", f"{row.cpu_seconds:.0f}")
    console.print(table)


def write_json(path: Path, what: str, rows: Sequence[Row], facts: dict[str, Any]) -> None:
    """Write all figures for programs; an estimate is {"value", "error"}."""
    tree = {"compared": what, **facts, "rows": [_plain(msgspec.structs.asdict(row)) for row in rows]}
    path.write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


def write_plot(path: Path, what: str, rows: Sequence[Row]) -> None:
    """Write a page with NDCG@10 and HR@10 of each row, with two standard errors either way."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=2, subplot_titles=("NDCG@10", "HR@10"))
    for column, field in enumerate(("ndcg", "hit_rate"), 1):
        estimates = [getattr(row, field) for row in rows]
        figure.add_trace(
            go.Scatter(
                x=[row.name for row in rows],
                y=[each.value for each in estimates],
                error_y={"array": [2 * each.error for each in estimates], "thickness": 1.5, "width": 6},
                mode="markers",
                marker={"size": 11, "color": "#2563eb"},
                showlegend=False,
            ),
            row=1,
            col=column,
        )
    title = f"{what}: same examples, same passes (bars: two standard errors)"
    figure.update_layout(template="plotly_white", title=title, height=420, margin={"t": 90})
    figure.write_html(path, include_plotlyjs="inline", full_html=True)


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: each._asdict() if isinstance(each, Estimate) else each for name, each in fields.items()}
