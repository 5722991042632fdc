"""The figures of a replay as one tree of plain values, for `--json`, the terminal and the report."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.actions import HIGH_RATING, LOW_RATING
from model.evaluate import (
    Estimate,
    calibration,
    coverage,
    expected_calibration_error,
    hit_rate,
    mae,
    mrr,
    ndcg,
    recall,
    rmse,
)
from model.reliability import reliability
from streams.datasets.dataset import Dataset
from streams.offline.replay.options import ReplayOptions
from streams.offline.replay.result import Predictions, ReplayResult, Shares

MODEL = "headrace"
K = 10
CANDIDATE_CUTS = (10, 20, 50, 100, 200, 500)
RATING_EDGES = tuple(np.linspace(1, 5, 11).tolist())
USER_SEGMENTS = (("0", 0, 0), ("1-4", 1, 4), ("5-19", 5, 19), ("20+", 20, None))
ITEM_SEGMENTS = (("0", 0, 0), ("1-9", 1, 9), ("10+", 10, None))


def summarise(dataset: Dataset, options: ReplayOptions, result: ReplayResult) -> dict[str, Any]:
    """All figures, JSON-ready; an estimate is {"value", "error"}, the error being one standard error."""
    predictions = result.predictions
    ranked = predictions.ranked
    systems = ranks_by_system(predictions)
    return {
        "protocol": {
            "warm": options.warm,
            "seed": result.seed,
            "ties_in_time": "broken by a seeded hash of (user, item)",
            "ranked_among": "all items in the catalogue that the user has not met; a candidate miss scores 0",
            "model": result.model,
            "renewed_every": options.renew_every,
            "pool": result.pool,
            **({"offered": options.offered} if options.offered else {}),
        },
        "events": {
            "all": result.events,
            "warm": result.warm_events,
            "predicted": len(predictions),
            "ranked": int(ranked.sum()),
            "users": result.users,
            "items": result.catalogue,
            "bad_rows": dict(dataset.bad.by_file()),
        },
        "ranking": {name: _ranking(ranks[ranked]) for name, ranks in systems.items()},
        "coverage@10": {name: coverage(range(n), result.catalogue) for name, n in result.recommended.items()},
        "candidate_recall": {
            str(cut): _estimate(recall(predictions.candidate_rank[ranked], cut))
            for cut in sorted({cut for cut in CANDIDATE_CUTS if cut < result.pool} | {result.pool})
        },
        "liking": _liking(systems, predictions),
        "clicks": _clicks(result.click_shares),
        "ratings": _ratings(predictions),
        "by_user_history": _segments(systems, predictions.user_history, ranked, USER_SEGMENTS),
        "by_item_events": _segments(systems, predictions.item_events, ranked, ITEM_SEGMENTS),
        "speed": {
            "events_per_s": len(predictions) / result.seconds if result.seconds > 0 else None,
            "seconds": result.seconds,
            "warm_seconds": result.warm_seconds,
            "stage_seconds": dict(result.stage_seconds),
        },
        "notes": [*dataset.notes, *result.notes],
    }


def ranks_by_system(predictions: Predictions) -> dict[str, NDArray[np.int32]]:
    """The model's ranks first, then each baseline's."""
    return {MODEL: predictions.rank, **predictions.baseline_ranks}


def _ranking(ranks: NDArray[np.int32]) -> dict[str, Any]:
    return {
        f"hr@{K}": _estimate(hit_rate(ranks, K)),
        f"ndcg@{K}": _estimate(ndcg(ranks, K)),
        "mrr": _estimate(mrr(ranks)),
    }


def _liking(systems: dict[str, NDArray[np.int32]], predictions: Predictions) -> dict[str, Any]:
    """By what the user thought of the item afterwards: how often one that they then rate low held a place
    among the first ten right before, and how well those are ranked that they then rate high.
    """
    low = predictions.ranked & (predictions.rating <= LOW_RATING)
    high = predictions.ranked & (predictions.rating >= HIGH_RATING)
    return {
        "low_to": LOW_RATING,
        "high_from": HIGH_RATING,
        "low_events": int(low.sum()),
        "high_events": int(high.sum()),
        f"low@{K}": {name: _estimate(hit_rate(ranks[low], K)) for name, ranks in systems.items()},
        "high": {name: _ranking(ranks[high]) for name, ranks in systems.items()},
    }


def _ratings(predictions: Predictions) -> dict[str, Any]:
    """How well ratings were foretold, over the events that have both; `None` figures where none has."""
    both = np.isfinite(predictions.rating) & np.isfinite(predictions.predicted_rating)
    said, came = predictions.predicted_rating[both], predictions.rating[both]
    return {
        "events": int(both.sum()),
        "rmse": _estimate(rmse(said, came)),
        "mae": _estimate(mae(said, came)),
        "calibration_error": _plain(expected_calibration_error(said, came, RATING_EDGES)),
        "calibration": [part._asdict() for part in calibration(said, came, RATING_EDGES)],
    }


def _clicks(shares: Shares) -> dict[str, Any]:
    """Whether the probabilities of the first ten mean what they say, in bins of equal counts."""
    judged = reliability(*shares)
    return {
        "places": len(shares[0]),
        "calibration_error": _plain(judged.error),
        "calibration": [part._asdict() for part in judged.bins],
    }


def _segments(
    systems: dict[str, NDArray[np.int32]],
    counts: NDArray[np.int32],
    ranked: NDArray[np.bool_],
    segments: tuple[tuple[str, int, int | None], ...],
) -> dict[str, Any]:
    found = {}
    for name, low, high in segments:
        inside = ranked & (counts >= low) & (counts <= (np.inf if high is None else high))
        if inside.any():
            figures = {system: _ranking(ranks[inside]) for system, ranks in systems.items()}
            found[name] = {"events": int(inside.sum()), **figures}
    return found


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {"value": _plain(estimate.value), "error": _plain(estimate.error)}


def _plain(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
