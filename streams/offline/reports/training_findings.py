"""The findings of a training's report, from the held-out examples; plots and page only draw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.attribution import VIEWS, attention, attribute
from model.batches import batches, forward
from model.checkpoint import Checkpoint
from model.examples import Shard
from model.exposure import Exposure, exposure
from model.group_gaps import Gap, group_gaps
from model.ranking import places, scores_of
from model.reliability import Reliability, click_shares, reliability
from model.schema import F32
from model.segments import ITEMS, USERS, Segment, segments
from model.tasks import labels
from model.train import Progress
from streams.offline.training.fit import Trained
from streams.offline.training.user_groups import groups

TOP = 10
SAMPLES = 3
SAMPLE_HISTORY = 5  # items at least, so that the heads have something to attend to


class Sample(NamedTuple):
    """One recommendation in detail: titles of the history, newest first; attention [heads, history]; parts of
    score - base by name, with one part for each history item; gap: what those parts miss.
    """

    title: str
    history: list[str]
    attention: F32
    parts: dict[str, float]
    score: float
    base: float
    gap: float


class Findings(NamedTuple):
    """`reliability` by task; `gaps` of NDCG@10 by profile field; `compared`: how many gaps it compares."""

    progress: Sequence[Progress]
    events: int
    reliability: dict[str, Reliability]
    users: list[Segment]
    items: list[Segment]
    gaps: dict[str, list[Gap]]
    compared: int
    exposure: Exposure
    samples: list[Sample]


def look(
    trained: Trained,
    item_rows: Mapping[str, int],
    popularity: NDArray[np.int64],
    profiles: Mapping[str, Mapping[str, str]],
    titles: Mapping[str, str],
    seed: int,
) -> Findings:
    """The findings. item_rows: the row of each item; popularity [items]: how many events each item has;
    titles by item id.
    """
    checkpoint, collected, progress = trained
    held_out = collected.held_out or collected.shards
    scores = scores_of(checkpoint.net, held_out, checkpoint.vocabulary)
    found = np.concatenate([each.found for each in held_out])
    ranks = places(scores[..., 0], found)
    gaps, compared = _gaps(ranks, held_out, profiles, seed)
    return Findings(
        progress=progress,
        events=len(ranks),
        reliability=_reliability(checkpoint, held_out, scores, found),
        users=segments(ranks, np.concatenate([each.user_events for each in held_out]), USERS),
        items=segments(ranks, np.concatenate([each.item_events for each in held_out]), ITEMS),
        gaps=gaps,
        compared=compared,
        exposure=_exposure(held_out, scores[..., 0], found, item_rows, popularity),
        samples=samples(checkpoint, held_out, titles),
    )


def _reliability(
    checkpoint: Checkpoint, held_out: Sequence[Shard], scores: F32, found: NDArray[np.bool_]
) -> dict[str, Reliability]:
    """Click as the softmax share of the best candidates; other tasks at the item that the user met."""
    action = np.concatenate([each.action for each in held_out])
    rating = np.concatenate([each.rating for each in held_out])
    judged = {"click": reliability(*click_shares(scores[..., 0], found, TOP))}
    for at, name in enumerate(checkpoint.net.schema.tasks):
        task = checkpoint.tasks[name]
        label, met = labels(task, action, rating), scores[:, 0, at].astype(np.float64)
        known = ~np.isnan(label)
        if task.loss == "binary":
            met = 1 / (1 + np.exp(-met))
        if task.loss != "softmax" and known.any():
            judged[name] = reliability(met[known], label[known])
    return judged


def _gaps(
    ranks: NDArray[np.int32], held_out: Sequence[Shard], profiles: Mapping[str, Mapping[str, str]], seed: int
) -> tuple[dict[str, list[Gap]], int]:
    gains = np.where((ranks > 0) & (ranks <= TOP), 1 / np.log2(np.maximum(ranks, 1) + 1), 0.0)
    rows = np.concatenate([each.profile for each in held_out])
    users = np.unique(rows, axis=0, return_inverse=True)[
        1
    ].ravel()  # one profile row: one user, nearly always
    by_field = groups(rows, profiles)
    compared = sum(len(set(names[names != ""])) for names in by_field.values())
    gaps = {field: group_gaps(gains, names, users, compared, seed) for field, names in by_field.items()}
    return {field: each for field, each in gaps.items() if each}, compared


def _exposure(
    held_out: Sequence[Shard],
    click: F32,
    found: NDArray[np.bool_],
    item_rows: Mapping[str, int],
    popularity: NDArray[np.int64],
) -> Exposure:
    logits = np.where(np.isnan(click), -np.inf, click)
    logits[~found, 0] = -np.inf
    best = np.argsort(-logits, 1, kind="stable")[:, :TOP]
    best = np.where(np.isneginf(np.take_along_axis(logits, best, 1)), -1, best)
    shown, met, begin = [], [], 0
    for shard in held_out:
        rows = np.array([*(item_rows[item] for item in shard.items.tolist()), -1], np.int64)
        part = best[begin : begin + len(shard)]
        there = np.take_along_axis(shard.candidates, np.maximum(part, 0), 1)
        shown.append(rows[np.where(part < 0, -1, there)])
        met.append(rows[shard.candidates[:, 0]])
        begin += len(shard)
    return exposure(np.concatenate(shown), np.concatenate(met), popularity)


def samples(
    checkpoint: Checkpoint, held_out: Sequence[Shard], titles: Mapping[str, str], count: int = SAMPLES
) -> list[Sample]:
    """The first recommendation of some examples with a history, evenly spread over all."""
    net = checkpoint.net
    long = [
        (shard, row)
        for shard in held_out
        for row in np.flatnonzero((shard.history >= 0).sum(1) >= min(SAMPLE_HISTORY, net.schema.history))
    ]
    chosen = [long[int(at)] for at in np.linspace(0, len(long) - 1, count)] if long else []
    found = []
    for shard, row in chosen:
        one = shard.rows(np.array([row]))
        (batch,) = batches([one], checkpoint.vocabulary.numbering(), 1)
        inputs = [each.detach() for each in forward(net, batch).inputs]
        scores = scores_of(net, [one], checkpoint.vocabulary)[0, :, 0]
        best = np.array(
            [np.nanargmax(scores if one.found[0] else np.where(np.arange(len(scores)), scores, np.nan))]
        )
        history = [_title(one, place, titles) for place in one.history[0] if place >= 0]
        parts = attribute(net, inputs, best)
        named = dict(zip(net.schema.candidate_features, parts.features[0].tolist(), strict=True))
        named |= {f"view: {name}": float(part) for name, part in zip(VIEWS, parts.views[0], strict=True)}
        for name, part in zip(history, parts.history[0].tolist(), strict=False):
            named[f"met: {name}"] = named.get(f"met: {name}", 0.0) + part
        found.append(
            Sample(
                _title(one, int(one.candidates[0, best[0]]), titles),
                history,
                attention(net, inputs, best)[0, :, : len(history)],
                named,
                float(parts.score[0]),
                float(parts.base[0]),
                float(parts.gap[0]),
            )
        )
    return found


def _title(shard: Shard, place: int, titles: Mapping[str, str]) -> str:
    item = str(shard.items[place])
    return titles.get(item) or item
