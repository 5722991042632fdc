"""How many events became dead letters of late, though nobody looked all the time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from streams.worker_reports.report import Report

WINDOW_S = 300.0
FORGET_S = 3_600.0
"""After so long without a report a worker is taken for one that has ended for good."""


class _Told(NamedTuple):
    """What a worker said last: since when it runs, its letters since then; and when it said so."""

    began_ms: int
    letters: int
    at_s: float


class _Counted(NamedTuple):
    """Letters of between two looks, on the watch's own clock."""

    from_s: float
    to_s: float
    letters: int


class RecentLetters:
    """`take` what workers report; `count` and `minutes` are what is told. Workers count since they began, so
    what came while nobody looked is not lost: it is told with the time in which it may have come.
    """

    def __init__(self) -> None:
        self._before: dict[str, _Told] = {}
        self._taken_s: float | None = None
        self._recent: deque[_Counted] = deque()

    def take(self, reports: Iterable[Report], now_s: float) -> None:
        """The newest report of each worker that has one."""
        count = 0
        for report in reports:
            letters = sum(each for _, _, each in report.events.values())
            before = self._before.get(report.worker)
            if before is not None and before.began_ms == report.began_ms:
                count += letters - before.letters
            elif self._taken_s is not None:  # it has begun since; at the first look nothing is known of when
                count += letters
            self._before[report.worker] = _Told(report.began_ms, letters, now_s)
        self._before = {name: each for name, each in self._before.items() if each.at_s > now_s - FORGET_S}
        if count > 0 and self._taken_s is not None:
            self._recent.append(_Counted(self._taken_s, now_s, count))
        self._taken_s = now_s
        while self._recent and self._recent[0].to_s < now_s - WINDOW_S:
            self._recent.popleft()

    @property
    def count(self) -> int:
        """How many, in the last `minutes`."""
        return sum(each.letters for each in self._recent)

    @property
    def minutes(self) -> int:
        """Five, or more: since the look before the one that found the oldest of them."""
        if not self._recent or self._taken_s is None:
            return round(WINDOW_S / 60)
        return -int(-max(WINDOW_S, self._taken_s - self._recent[0].from_s) // 60)
