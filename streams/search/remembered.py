"""What was found out of queries since the index last changed: many people search for the same words."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """The `kept` answers that were asked for last. Any thread may ask, also while the index changes: what is
    made then is not kept, since it may be of either state.
    """

    def __init__(self, kept: int) -> None:
        self._kept, self._state, self._changing = kept, 0, 0
        self._lock = threading.Lock()
        self._known: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While the block lasts, what answers are made from changes. All that was kept is forgotten."""
        with self._lock:
            self._changing += 1
        try:
            yield
        finally:
            with self._lock:
                self._changing -= 1
            self.forget()

    def forget(self) -> None:
        """Nothing is kept any more, and what is being made now is not kept either."""
        with self._lock:
            self._state += 1
            self._known.clear()

    def at_hand(self, asked: K) -> V | None:
        """The answer, where it is kept."""
        with self._lock:
            answer = None if self._changing else self._known.get(asked)
            if answer is not None:
                self._known.move_to_end(asked)
            return answer

    def of(self, asked: K, make: Callable[[], V]) -> V:
        """The answer: as it is kept, else as `make` makes it."""
        if (answer := self.at_hand(asked)) is not None:
            return answer
        state = self._state
        answer = make()
        with self._lock:
            if state == self._state and not self._changing:
                self._known[asked] = answer
                while len(self._known) > self._kept:
                    self._known.popitem(last=False)
        return answer
