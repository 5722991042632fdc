"""What is kept of the logged examples."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from model.shard_format import UNFINISHED
from model.shard_writing import write_shard
from model.shards import shard_folders
from streams.examples.folder import DAY_MS, KINDS, LEARN, STALE_S, WHOLE, logged, prune, shard_name
from tests.model.random_shards import random_shard

NOW_MS = 1_700_000_000_000
ALL = 10**12


def written(folder: Path, kind: str, days_ago: float, number: int = 0) -> Path:
    end_ms = NOW_MS - int(days_ago * DAY_MS)
    return write_shard(random_shard(3), folder / kind, shard_name(end_ms - 1_000, end_ms, "w", number))


def there(folder: Path) -> set[Path]:
    return {path for kind in KINDS for path in shard_folders(folder / kind)}


def test_what_ended_too_long_ago_is_deleted(tmp_path: Path) -> None:
    young = {written(tmp_path, LEARN, 0), written(tmp_path, WHOLE, 2.0)}
    old = {written(tmp_path, LEARN, 2.01), written(tmp_path, WHOLE, 9)}
    assert set(prune(tmp_path, 2.0, ALL, NOW_MS)) == old
    assert there(tmp_path) == young
    assert {path for kind in KINDS for path in (tmp_path / kind).iterdir()} == young
    assert prune(tmp_path, 2.0, ALL, NOW_MS) == []


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 4])
def test_the_oldest_of_both_kinds_go_first_where_there_is_too_much(tmp_path: Path, kept: int) -> None:
    paths = [written(tmp_path, KINDS[k % 2], k) for k in range(4)]
    sizes = [sum(file.stat().st_size for file in path.iterdir()) for path in paths]
    prune(tmp_path, 100.0, sum(sizes[:kept]), NOW_MS)
    assert there(tmp_path) == set(paths[:kept])


def test_names_of_others_are_left_alone(tmp_path: Path) -> None:
    mine = write_shard(random_shard(3), tmp_path / LEARN, "precious")
    (tmp_path / "notes.txt").write_text("keep")
    assert prune(tmp_path, 1e-6, 0, NOW_MS) == []
    assert there(tmp_path) == {mine}
    assert logged(tmp_path, LEARN) == []
    assert prune(tmp_path / "nowhere", 1.0, 0, NOW_MS) == []


def test_what_a_killed_process_left_is_swept_up_later(tmp_path: Path) -> None:
    fresh, stale = (tmp_path / LEARN / f"{UNFINISHED}{name}" for name in ("fresh", "stale"))
    for path in (fresh, stale):
        path.mkdir(parents=True)
    then = time.time() - STALE_S - 60
    os.utime(stale, (then, then))
    prune(tmp_path, 1.0, ALL, NOW_MS)
    assert fresh.exists()
    assert not stale.exists()
