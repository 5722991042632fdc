"""The figures of a replay of lists as one tree of plain values, for `--json`, the terminal and the report."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.evaluate import Estimate, grouped_mean
from model.slate_metrics import METRICS
from streams.datasets.dataset import Dataset
from streams.offline.replay.impressions.judge import ADAPTED, NET, STOPPED
from streams.offline.replay.impressions.outcomes import ListOutcomes, ListsResult, Weights
from streams.offline.replay.impressions.rankers import AsShown
from streams.offline.replay.options import ReplayOptions

PARTS = 5
"""The second part in so many stretches, to see who loses and who recovers."""


def summarise_lists(dataset: Dataset, options: ReplayOptions, result: ListsResult) -> dict[str, Any]:
    """All figures, JSON-ready. An estimate is {"value", "error"}: a mean over lists, and its standard error
    where the lists of one user hang together.
    """
    outcomes = result.outcomes
    return {
        "protocol": {
            "warm": options.warm,
            "seed": result.seed,
            "net": result.net,
            "planted_drift": result.drifts,
            "judged": "lists of the second part with a click, each before anything of it is learned",
            "ties_in_score": "broken by a seeded permutation of the places",
            "errors": "by user",
            "signals": list(result.signals),
            "list_net_reads": [] if result.live is None else list(result.live.reads),
        },
        "lists": {
            "all": result.lists,
            "warm": result.warm_lists,
            "before_learning": result.began,
            "judged": len(outcomes),
            "unclicked": result.unclicked,
            "mean_places": _plain(float(outcomes.places.mean())) if len(outcomes) else None,
            "events": result.events,
            "users": result.users,
            "items": result.items,
            "bad_rows": dict(dataset.bad.by_file()),
        },
        "ranking": {name: _means(outcomes, figures) for name, figures in outcomes.figures.items()},
        "against": {
            name: _differences(outcomes, name)
            for name in (AsShown.name, NET, STOPPED, ADAPTED)
            if name in outcomes.figures
        },
        "over_time": _over_time(outcomes),
        "lessons": dict(result.lessons),
        "list_net": None
        if (live := result.live) is None
        else {"learned": live.learned, "fitted": live.fitted, "renewed": live.renewed},
        "weights": _weights(result.weights),
        "weights_over_list_net": None if live is None else _weights(live.weights),
        "marks": [
            {"lists": lists, "detector": detector, "lesson": lesson}
            for lists, detector, lesson in result.weights.marks
        ],
        "speed": {
            "lists_per_s": (len(outcomes) + result.unclicked) / result.seconds
            if result.seconds > 0
            else None,
            "seconds": result.seconds,
            "warm_seconds": result.warm_seconds,
        },
        "notes": [*dataset.notes, *result.notes],
    }


def _weights(weights: Weights) -> dict[str, Any]:
    by_expert = {name: weights.weights[:, at].tolist() for at, name in enumerate(weights.experts)}
    return {"lists": weights.lists.tolist(), **by_expert}


def _means(outcomes: ListOutcomes, figures: NDArray[np.float64]) -> dict[str, Any]:
    return {name: _estimate(outcomes, figures[:, at]) for at, name in enumerate(METRICS)}


def _differences(outcomes: ListOutcomes, other: str) -> dict[str, Any]:
    """Of each other system to `other`, list by list."""
    base = outcomes.figures[other]
    return {
        name: _means(outcomes, figures - base) for name, figures in outcomes.figures.items() if name != other
    }


def _over_time(outcomes: ListOutcomes) -> list[dict[str, Any]]:
    """MRR in equal stretches of the judged lists."""
    at, found = METRICS.index("mrr"), []
    for part in np.array_split(np.arange(len(outcomes)), PARTS):
        if len(part):
            means = {name: float(each[part, at].mean()) for name, each in outcomes.figures.items()}
            found.append({"lists": len(part), "until_ms": int(outcomes.ts_ms[part[-1]]), "mrr": means})
    return found


def _estimate(outcomes: ListOutcomes, values: NDArray[np.float64]) -> dict[str, float | None]:
    """Over the lists that have the figure: there is no AUC where all was clicked."""
    there = np.isfinite(values)
    estimate: Estimate = grouped_mean(values[there], outcomes.users[there])
    return {"value": _plain(estimate.value), "error": _plain(estimate.error)}


def _plain(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
