"""The folder of logged examples: `learn/` to train on, `whole/` to judge on; how shards are named and kept.

A shard's name begins with the times of its first and last example, so that what is too old, or too much, is
found without opening a file.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from model.shard_format import UNFINISHED
from model.shards import shard_folders

LEARN, WHOLE = "learn", "whole"
KINDS = (LEARN, WHOLE)
DAY_MS = 86_400_000
STALE_S = 86_400.0
"""How old what a killed process left half-written must be before it is swept up."""

_named = re.compile(r"\d{13}-\d{13}-[0-9a-z]+-\d+")


def shard_name(first_ms: int, last_ms: int, writer: str, number: int) -> str:
    """`writer`: letters and digits that no other process has; `number`: of its shards.

    >>> shard_name(1_700_000_000_000, 1_700_000_060_000, "a1", 3)
    '1700000000000-1700000060000-a1-3'
    """
    return f"{first_ms:013d}-{last_ms:013d}-{writer}-{number}"


def logged(folder: Path, kind: str) -> list[Path]:
    """The finished shards of a kind, named as `shard_name` does, in the order in which they begin."""
    return [path for path in shard_folders(folder / kind) if _named.fullmatch(path.name)]


def end_ms(shard: Path) -> int:
    """When a shard ends, by its name: no file is opened that might be gone."""
    return int(shard.name.split("-")[1])


class _Kept(NamedTuple):
    last_ms: int
    path: Path
    bytes: int


def prune(folder: Path, keep_days: float, keep_bytes: int, now_ms: int) -> list[Path]:
    """Delete shards that ended more than `keep_days` ago, then the oldest of those beyond `keep_bytes`; what
    was deleted. Several processes may do so at once; files of other names are left alone.
    """
    kept = sorted(_kept(folder), reverse=True)
    deleted, total = [], 0
    for each in kept:
        total += each.bytes
        if total > keep_bytes or each.last_ms < now_ms - keep_days * DAY_MS:
            _delete(each.path)
            deleted.append(each.path)
    for kind in KINDS:
        for path in (folder / kind).glob(f"{UNFINISHED}*"):
            if _age_s(path) > STALE_S:
                _delete(path)
    return deleted


def _kept(folder: Path) -> Iterator[_Kept]:
    for kind in KINDS:
        for path in logged(folder, kind):
            yield _Kept(end_ms(path), path, sum(_size(each) for each in path.glob("*")))


def _delete(path: Path) -> None:
    """Hidden at once, so that no half-deleted shard is read; another process may have been faster."""
    hidden = path if path.name.startswith(UNFINISHED) else path.with_name(f"{UNFINISHED}{path.name}-deleted")
    try:
        path.rename(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden, ignore_errors=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
