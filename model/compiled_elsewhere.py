"""Code that numba's cache lacks may be made by another process, before this one looks again.

What LLVM has compiled stays with its process: its own objects of some 140 functions, 240 to 470 MiB. Code
that is loaded from the cache has none of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from numba.core.caching import FunctionCache

Look = Callable[[], Any]
Elsewhere = Callable[[Look], Any]
"""Is called where the cache lacks a function, with a look that returns its code, or None. Returns what the
last look has found; for None this process compiles the function itself.
"""

_elsewhere: list[Elsewhere] = []


@contextmanager
def compiled_elsewhere(elsewhere: Elsewhere) -> Iterator[None]:
    """For as long as the block lasts, `elsewhere` is asked before this process compiles."""
    _elsewhere.append(elsewhere)
    try:
        yield
    finally:
        _elsewhere.remove(elsewhere)


def ask_elsewhere(cache: Any = FunctionCache) -> None:
    """From now on, whoever `compiled_elsewhere` names is asked. numba's lock of compilers is held then."""
    load = cache.load_overload

    @wraps(load)
    def loaded(self: Any, signature: object, context: object) -> Any:
        look = partial(load, self, signature, context)
        found = look()
        return _elsewhere[-1](look) if found is None and _elsewhere else found

    cache.load_overload = loaded
