"""A shard is written whole or not at all, in a form that any engine reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from model.errors import DataError
from model.shard_format import EXAMPLES, UNFINISHED
from model.shard_writing import write_shard
from model.shards import read_shard, shard_folders
from tests.model.random_shards import assert_same, random_shard


def test_another_engine_reads_the_same_values(tmp_path: Path) -> None:
    shard = random_shard(30)
    frame = pl.read_parquet(write_shard(shard, tmp_path, "one") / EXAMPLES)
    assert frame["ts_ms"].to_list() == shard.ts_ms.tolist()
    found = frame["candidate_features"].to_numpy().reshape(shard.candidate_features.shape)
    assert found.tobytes() == shard.candidate_features.tobytes()


def test_a_name_that_leads_elsewhere_and_a_shard_of_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="shard name"):
        write_shard(random_shard(3), tmp_path, "../one")
    with pytest.raises(DataError, match="no example"):
        write_shard(random_shard(3).rows(slice(0, 0)), tmp_path, "one")
    assert list(tmp_path.iterdir()) == []


def test_a_taken_name_is_an_error_and_keeps_what_is_there(tmp_path: Path) -> None:
    first = random_shard(3, seed=1)
    write_shard(first, tmp_path, "one")
    with pytest.raises(OSError, match=r"not empty|exists"):
        write_shard(random_shard(3, seed=2), tmp_path, "one")
    assert_same(read_shard(tmp_path / "one"), first)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


WRITER = """
import sys
from pathlib import Path
from model.shard_writing import write_shard
from tests.model.random_shards import random_shard

shard = random_shard(4_000, candidates=60)
for k in range(10_000):
    write_shard(shard, Path(sys.argv[1]), f"s{k}")
"""


def test_a_writer_that_is_killed_leaves_only_whole_shards(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)]) as writer:
        try:
            until = time.monotonic() + 60
            while len(shard_folders(folder)) < 2 or not list(folder.glob(f"{UNFINISHED}*/*")):
                assert writer.poll() is None
                assert time.monotonic() < until
        finally:
            os.kill(writer.pid, signal.SIGKILL)
    found = shard_folders(folder)
    assert len(found) >= 2
    expected = random_shard(4_000, candidates=60)
    for path in found:
        assert_same(read_shard(path), expected)
