"""Folders of logged examples whose times are chosen."""

from __future__ import annotations

from pathlib import Path

from model.schema import Schema
from model.shard_writing import write_shard
from streams.examples.folder import shard_name
from tests.model.random_shards import random_shard

SMALL = Schema(("a", "b"), ("c",), ("d",), ("click", "rating", "like"), history=3, text_dim=4, item_dim=8)


def log(folder: Path, kind: str, number: int, begin_ms: int, examples: int, step_ms: int = 10) -> Path:
    """A shard of one example each `step_ms`."""
    shard = random_shard(examples, number, schema=SMALL, begin_ms=begin_ms, step_ms=step_ms)
    name = shard_name(begin_ms, begin_ms + step_ms * (examples - 1), "w", number)
    return write_shard(shard, folder / kind, name)
