"""Networks side by side: the same examples, the same budget, one setting apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from model.evaluate import Estimate, hit_rate, ndcg, rmse
from model.examples import Shard
from model.network import FusionNet
from model.plan import NetworkPlan, TrainPlan
from model.ranking import places, scores_of
from model.retrieval import key_ranks
from model.schema import Schema
from model.tasks import Task
from model.train import Progress, train
from model.vocabulary import Vocabulary


class Variant(NamedTuple):
    """One network of the comparison, with its name in the table."""

    name: str
    network: NetworkPlan
    plan: TrainPlan


class Row(msgspec.Struct, frozen=True):
    """The result of a variant. `ahead`: NDCG@10 of this one minus that of the first variant, event by event.

    `recall`: the share of events whose item the user tower alone puts among the 200 nearest items of the
    shard. `parameters` without the tables of ids and attributes; `cpu_seconds` of the training.
    """

    name: str
    hit_rate: Estimate
    ndcg: Estimate
    ahead: Estimate
    recall: Estimate
    rmse: Estimate
    parameters: int
    cpu_seconds: float


def compare(
    variants: Sequence[Variant],
    shards: Sequence[Shard],
    held_out: Sequence[Shard],
    schema: Schema,
    tasks: Mapping[str, Task],
    vocabulary: Vocabulary,
    report: Callable[[str, Progress], None] = lambda name, progress: None,
) -> list[Row]:
    """Train each variant on `shards` and judge it on `held_out`, whose examples hold whole pools."""
    rows: list[Row] = []
    first: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
    rating = np.concatenate([each.rating for each in held_out])
    found = np.concatenate([each.found for each in held_out])
    for name, network, plan in variants:
        started = time.process_time()

        def reported(progress: Progress, name: str = name) -> None:
            report(name, progress)

        net = train(shards, (), schema, network, plan, tasks, vocabulary, reported)
        spent = time.process_time() - started
        scores = scores_of(net, held_out, vocabulary)
        ranks = places(scores[..., 0], found)
        gains = np.where((ranks > 0) & (ranks <= 10), 1 / np.log2(np.maximum(ranks, 1) + 1), 0.0)
        first = gains if first is None else first
        rated = ~np.isnan(rating)
        expected = scores[rated, 0, schema.tasks.index("rating")]
        rows.append(
            Row(
                name=name,
                hit_rate=hit_rate(ranks),
                ndcg=ndcg(ranks),
                ahead=_mean(gains - first),
                recall=hit_rate(key_ranks(net, held_out, vocabulary), 200),
                rmse=rmse(expected, rating[rated]),
                parameters=weights_of(net),
                cpu_seconds=round(spent, 1),
            )
        )
    return rows


def weights_of(net: FusionNet) -> int:
    """The number of weights besides the look-up tables."""
    tables = ("embedding.weight",)
    return sum(each.numel() for name, each in net.named_parameters() if not name.endswith(tables))


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))
