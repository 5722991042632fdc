"""Who is told what a ranker does: the metrics of its process, or nobody."""

from __future__ import annotations

from typing import Protocol


class RankerWatch(Protocol):
    """Told in the loop's thread."""

    def waits(self, requests: int) -> None:
        """So many requests wait now."""
        ...

    def took(self, stage: str, seconds: float) -> None:
        """A stage of a request: "queue", "read", "rank", or "whole" for all of them."""
        ...

    def ranked(self, requests: int) -> None:
        """A batch of so many was ranked."""
        ...

    def refused(self, reason: str) -> None:
        """A request got no slate: "busy", "late", "unready" or "store"."""
        ...


class Unwatched:
    """Tells nobody."""

    def waits(self, requests: int) -> None: ...

    def took(self, stage: str, seconds: float) -> None: ...

    def ranked(self, requests: int) -> None: ...

    def refused(self, reason: str) -> None: ...
