"""States that this process has written last, so that they need not be read again.

What is kept may be wrong: another worker may have had the partition meanwhile, a state may have expired or
been repaired. A commit is therefore refused where a partition's progress, or a user's state, is not what the
batch was folded on (`Commit`). Then all of this is forgotten, and nothing is kept for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from streams.clock import Clock

Value = TypeVar("Value")

KEPT_MS = 600_000
"""So long after it was written a state is read again."""

PAUSE_MS = 30_000
"""So long nothing is kept after it was wrong: it may be again, and each time the counters are read anew."""


class KeptValue(NamedTuple, Generic[Value]):
    """A user's value (a state, or kept slates), and the digest of its bytes in the store."""

    value: Value
    digest: str


class _Entry(NamedTuple, Generic[Value]):
    kept: KeptValue[Value]
    since_ms: int


class KeptStates(Generic[Value]):
    """The values of `most` users at most, besides the last batch's, and the progress that they stand for.

    Those of the last batch are never forgotten alone: until its write is known, the store has older ones.
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self._most, self._clock = most, clock
        self._last: dict[str, KeptValue[Value]] = {}
        self._older: dict[str, _Entry[Value]] = {}
        self._paused_until_ms = 0
        self.progress: dict[str, int] = {}

    def of(self, users: Iterable[str]) -> dict[str, KeptValue[Value]]:
        """Those that are kept."""
        oldest_ms = self._clock.now_ms() - KEPT_MS
        found: dict[str, KeptValue[Value]] = {}
        for user in users:
            kept = self._last.get(user)
            if kept is not None:
                found[user] = kept
            elif (entry := self._older.get(user)) is not None and entry.since_ms >= oldest_ms:
                found[user] = entry.kept
        return found

    def take(self, states: Mapping[str, KeptValue[Value]], progress: Mapping[str, int]) -> None:
        """What a batch makes of its users; the write of the one before it is known."""
        now_ms, older = self._clock.now_ms(), self._older
        if now_ms >= self._paused_until_ms:
            for user, kept in self._last.items():
                older.pop(user, None)
                older[user] = _Entry(kept, now_ms)
            while len(older) > self._most:
                del older[next(iter(older))]
        self._last = dict(states)
        self.progress |= progress

    def clear(self, wrong: bool = False) -> None:
        """Forget everything; during a write, only because it has failed. `wrong`: it was refused."""
        self._last, self._older, self.progress = {}, {}, {}
        if wrong:
            self._paused_until_ms = self._clock.now_ms() + PAUSE_MS
