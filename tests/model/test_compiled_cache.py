"""Processes that compile one function for different types at once: each finds its own code afterwards.

Threads stand for the processes: a lock on a file keeps apart whoever has opened it.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from numba.core.caching import IndexDataCacheFile

from model.compiled_cache import one_at_a_time

whole: Any = IndexDataCacheFile
# `model.compiled` has made it so; here is what numba does by itself.
LOAD, SAVE = whole.load.__wrapped__, whole.save.__wrapped__


def filled_at_once(folder: Path, alone: bool) -> dict[str, str]:
    """What is found under each key, after two who had looked at the same moment have written one each."""
    both_looked = threading.Barrier(2)

    class Cache(whole):  # type: ignore[misc]  # numba has no types
        load, save = LOAD, SAVE

        def _load_index(self) -> Any:
            found = super()._load_index()
            with suppress(threading.BrokenBarrierError):
                both_looked.wait(0.5)
            return found

    if alone:
        one_at_a_time(Cache)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda key: Cache(str(folder), "f", 1).save(key, f"code for {key}"), ("int", "float")))
    both_looked.abort()
    return {key: Cache(str(folder), "f", 1).load(key) for key in ("int", "float")}


@pytest.mark.parametrize("alone", [True, False])
def test_each_finds_its_own_code(tmp_path: Path, alone: bool) -> None:
    """And that the comparison can fail: without the lock an entry is lost, or is the other's."""
    found = filled_at_once(tmp_path, alone)
    assert (found == {"int": "code for int", "float": "code for float"}) is alone


def test_a_folder_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    cache = whole(str(tmp_path), "f", 1)
    cache.save("int", "code for int")
    (tmp_path / "f.nbi.lock").unlink()
    (tmp_path / "f.nbi.lock").mkdir()  # no lock can be opened, not even by root
    assert cache.load("int") == "code for int"


def test_an_entry_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert whole(str(tmp_path), "f", 1).load("int") is None
