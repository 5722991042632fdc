"""numba's cache on disk, when several processes fill it at once: workers that start together, or tests.

For a function numba writes an index, and then the file of machine code that it names. Of two processes that
compile one function for different types, both may choose one name: the index then names the other's code. And
where the source has changed, the name may still be that of code from before. numba 0.68 takes no lock.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from contextlib import ExitStack, suppress
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
        with ExitStack() as until_done:
            with suppress(OSError):  # of a cache that can be read alone: nobody writes there
                lock = until_done.enter_context(open(f"{self._index_path}.lock", "a"))
                fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
            return call(self, *arguments)

    return called
