"""How many of the objects that a function gave are held at the same time."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")


class Alive(Generic[A, R]):
    """The function, counted: `calls`, and `most`, the largest number of its results alive at once."""

    def __init__(self, function: Callable[[A], R]) -> None:
        self.calls = self.most = self._alive = 0
        self._function = function

    def __call__(self, argument: A) -> R:
        made = self._function(argument)
        self.calls += 1
        self._alive += 1
        self.most = max(self.most, self._alive)
        weakref.finalize(made, self._gone)
        return made

    def _gone(self) -> None:
        self._alive -= 1
