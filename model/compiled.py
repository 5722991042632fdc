"""A typed door to numba: `@compiled` turns a function over numpy arrays into machine code.

A cache on disk keeps the result, so a machine pays for the compilation once, not at each start of a process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile on first call; releases the GIL. No fast-math: the same input gives the same bits."""
    return cast("F", njit(cache=True, nogil=True)(function))
