"""How the loops of a tape are compiled: they look for no division by zero, and raise nothing.

Whatever is added to find a place in the arena is unsigned: of a signed number numba asks each time whether it
counts from the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from model.compiled import compiled_with

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """As `model.compiled.compiled`, with numpy's arithmetic: 1 / 0 is infinite."""
    return compiled_with(error_model="numpy")(function)


def kernel_in_any_order(function: F) -> F:
    """The same; the compiler chooses once in which order it adds up, so that it can take many numbers at a
    time. A sum is the same alone and in a batch; it may differ from one kind of processor to another.
    """
    flags = {"reassoc", "contract", "nsz"}
    return compiled_with(error_model="numpy", fastmath=flags)(function)
