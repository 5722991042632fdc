"""numba's cache on disk, when several processes of tests fill it at once.

For a function numba writes an index, and then the file of machine code that it names. Of two processes that
compile one function for different types, both may choose one name: the index then names the other's code. And
where the source has changed, the name may still be that of code from before.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from functools import wraps
from typing import Any

from numba.core.caching import IndexDataCacheFile


def one_at_a_time(cache: Any = IndexDataCacheFile) -> None:
    """From now on an entry is read, or written, while no other process that was told so does either."""
    for name in ("load", "save"):
        setattr(cache, name, _alone(getattr(cache, name)))


def _alone(call: Callable[..., object]) -> Callable[..., object]:
    @wraps(call)
    def called(self: Any, *arguments: object) -> object:
        with open(f"{self._index_path}.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
            return call(self, *arguments)

    return called
