"""Which logged examples a renewal learns from, and which examples judge it.

A cut divides time in two: the renewal learns shards that end before the cut, and judges with younger examples
only, so that no model is judged on examples that it has learned. The next renewal begins at this one's cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.examples import Shard
from model.shards import ShardFiles, read_times
from streams.examples.folder import LEARN, WHOLE, end_ms, logged
from streams.settings.models import RenewalSettings

AT_RISK = 0.05
"""A renewal leaves out this oldest share of the older shards: retention may delete it at any moment."""


@dataclass(frozen=True)
class ExampleSplit:
    """`learn`: shards to train on, `new` examples of which are younger than `from_ms` and none younger than
    `to_ms`, the cut. `judged`: whole-pool examples after the cut. `missing` says what the renewal waits for,
    and then the other fields are empty; "" for nothing.
    """

    missing: str = ""
    learn: ShardFiles = field(default_factory=lambda: ShardFiles([]))
    new: int = 0
    from_ms: int = 0
    to_ms: int = 0
    judged: Sequence[Shard] = ()


def example_split(folder: Path, since_ms: int, settings: RenewalSettings, seed: int) -> ExampleSplit:
    """The examples in `folder` since `since_ms`, the cut of the parent."""
    shards = ShardFiles(_safe(logged(folder, LEARN), since_ms))
    whole = ShardFiles(path for path in logged(folder, WHOLE) if end_ms(path) > since_ms)
    times = np.concatenate([np.empty(0, np.int64), *(read_times(path) for path in whole.paths)])
    times = times[times > since_ms]
    wanted = max(settings.judge_min, min(settings.judge_max, math.ceil(settings.judge * len(times))))
    new = [k for k, facts in enumerate(shards.facts) if facts.last_ms > since_ms]
    cut = _cut([shards.facts[k].last_ms for k in new], times, wanted)
    taught = [k for k in new if cut is not None and shards.facts[k].last_ms <= cut]
    examples = sum(shards.lengths[k] for k in taught)
    if cut is None or examples < settings.examples_min:
        there = sum(shards.lengths[k] for k in new)
        return ExampleSplit(
            f"{folder} holds {there} new examples to learn from and {len(times)} to judge with; "
            f"expected at least {settings.examples_min}, and {wanted} younger than all of them"
        )
    older = _some(
        [k for k in range(len(shards)) if k not in set(new)], shards, examples * settings.replay, seed
    )
    return ExampleSplit(
        learn=ShardFiles(shards.paths[k] for k in (*older, *taught)),
        new=examples,
        from_ms=since_ms,
        to_ms=cut,
        judged=_judged(whole, cut, settings.judge_max),
    )


def _safe(paths: Sequence[Path], since_ms: int) -> list[Path]:
    older = [path for path in paths if end_ms(path) <= since_ms]
    return list(paths[math.ceil(len(older) * AT_RISK) :])


def _cut(ends: Sequence[int], times: NDArray[np.int64], wanted: int) -> int | None:
    """The latest end of a shard after which `wanted` of `times` lie; None if there is none."""
    return next((end for end in sorted(ends, reverse=True) if int((times > end).sum()) >= wanted), None)


def _some(places: Sequence[int], shards: ShardFiles, examples: float, seed: int) -> list[int]:
    """Draw shards at random until they hold `examples` examples."""
    drawn, total = [], 0
    for k in np.random.default_rng(seed).permutation(np.asarray(places, np.intp)).tolist():
        if total >= examples:
            break
        drawn.append(k)
        total += shards.lengths[k]
    return drawn


def _judged(whole: ShardFiles, cut: int, at_most: int) -> list[Shard]:
    """The newest examples after the cut."""
    found: list[Shard] = []
    for k in reversed(range(len(whole))):
        if at_most > 0 and whole.facts[k].last_ms > cut:
            shard = whole[k]
            young = np.flatnonzero(shard.ts_ms > cut)
            young = young[np.argsort(shard.ts_ms[young], kind="stable")][-at_most:]
            at_most -= len(young)
            found.append(shard.rows(young))
    return found[::-1]
