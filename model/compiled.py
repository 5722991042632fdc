"""A typed door to numba: `@compiled` turns a function over numpy arrays into machine code.

The result is cached on disk, so a process pays for the compilation once per machine, not at each start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile on first call; releases the GIL. No fast-math: the same input gives the same bits."""
    return cast("F", njit(cache=True, nogil=True)(function))
