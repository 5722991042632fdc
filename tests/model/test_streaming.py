"""Training on shards on disk: a window of them in memory, whatever there is; each example once an epoch."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import msgspec
import numpy as np
import psutil
import torch

from model.batches import Batch, batches
from model.distributed import Group
from model.examples import Shard
from model.plan import TrainPlan
from model.shard_writing import write_shard
from model.shards import ShardFiles, shard_folders
from model.survey import survey
from model.train import Progress, train
from tests.model.learnable_shards import ITEMS, NETWORK, SCHEMA, TASKS, VOCABULARY, random_shard


class Watched(Sequence[Shard]):
    """Notes how many of the shards that were read are still alive when the next has been."""

    def __init__(self, files: ShardFiles) -> None:
        self.files, self.most = files, 0
        self._read: list[weakref.ref[Shard]] = []

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, at: int) -> Shard: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Shard]: ...
    def __getitem__(self, at: int | slice) -> Shard | Sequence[Shard]:
        if isinstance(at, slice):
            return Watched(self.files[at])
        shard = self.files[at]
        self._read.append(weakref.ref(shard))
        self.most = max(self.most, sum(each() is not None for each in self._read))
        return shard


def test_a_window_of_shards_is_alive(tmp_path: Path) -> None:
    for k in range(7):
        write_shard(random_shard(20, seed=k), tmp_path, f"s{k}")
    files = ShardFiles(shard_folders(tmp_path))
    for window in (3, 7):
        watched = Watched(files)
        plan = TrainPlan(epochs=2, batch=16, window=window, negatives=4)
        train(watched, [], SCHEMA, NETWORK, plan, TASKS, VOCABULARY)
        assert watched.most == window
    watched = Watched(files)
    survey(watched)
    assert watched.most == 2  # the last one, until the next is there


def test_memory_does_not_grow_with_the_folder(tmp_path: Path) -> None:
    """100 shards of 4 MB, two in a window: what the process grows by is less than half of what they hold.

    (A window is 8 MB; batches, gradients, moments and what the allocators keep are several times that.)
    """
    dim, shards = 50_000, 100
    image = np.random.default_rng(0).random((ITEMS, dim), np.float32).astype(np.float16)
    first = write_shard(replace(random_shard(32), modalities={"image": image}), tmp_path, "s")
    for k in range(1, shards):
        shutil.copytree(first, tmp_path / f"s{k}", copy_function=os.link)
    schema = msgspec.structs.replace(SCHEMA, modalities={"image": dim})
    process, seen = psutil.Process(), list[int]()

    def report(_progress: Progress) -> None:
        seen.append(process.memory_info().rss)

    before = process.memory_info().rss
    plan = TrainPlan(epochs=1, batch=32, window=2, negatives=0)
    train(ShardFiles(shard_folders(tmp_path)), [], schema, NETWORK, plan, TASKS, VOCABULARY, report)
    assert len(seen) == shards
    assert max(seen) - before < shards * image.nbytes / 2


def rows_of(found: Sequence[Batch]) -> list[bytes]:
    return [row.tobytes() for batch in found for row in batch.user_features.numpy()]


def test_batches_from_the_midst_are_those_of_the_whole() -> None:
    shards, numbering = [random_shard(40, 1), random_shard(25, 2)], VOCABULARY.numbering()

    def found(begin: int) -> list[Batch]:
        return list(batches(shards, numbering, 16, "cpu", np.random.default_rng(5), 6, begin))

    whole, rest = found(0), found(3)
    assert [len(batch.rating) for batch in whole] == [16, 16, 16, 16, 1]
    assert len(rest) == 2
    for one, other in zip(whole[3:], rest, strict=True):
        assert torch.equal(one.id, other.id)
        assert torch.equal(one.drawn, other.drawn)
        assert torch.equal(one.candidates, other.candidates)
    assert found(5) == []


def test_processes_share_each_batch() -> None:
    """Together they have every example once; the last batch has one, so two of three have none of it."""
    shards, numbering = [random_shard(40, 1), random_shard(25, 2)], VOCABULARY.numbering()
    of_rank = [
        list(batches(shards, numbering, 16, "cpu", np.random.default_rng(5), 6, group=Group(rank, 3)))
        for rank in range(3)
    ]
    whole = list(batches(shards, numbering, 16, "cpu", np.random.default_rng(5)))
    for each, *parts in zip(whole, *of_rank, strict=True):
        assert sorted(rows_of(parts)) == sorted(rows_of([each]))
    assert [len(found[-1].rating) for found in of_rank] == [1, 0, 0]
    first, second = of_rank[0][0], of_rank[1][0]
    assert not torch.equal(first.id[first.drawn], second.id[second.drawn])
