"""The log: events as JSON lines, in the order in which they came, as `headrace simulate --events` writes
them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from model.errors import DataError, EventError
from streams.events.schema import AnyEvent, EventLimits, Impression, decode, time_of
from streams.settings.tree import DEFAULT_ARM


def events_of(path: Path, limits: EventLimits) -> Iterator[AnyEvent]:
    """Each event. `DataError`, with the number of the line, for one that can't be read or is older than the
    one before: the order is what the core learns in.
    """
    before_ms = 0
    try:
        with path.open("rb") as lines:
            for number, raw in enumerate(lines, 1):
                if not raw.strip():
                    continue
                try:
                    event = decode(raw, time_of(raw) or 0, limits)
                except EventError as error:
                    raise DataError(f"{path}, line {number}: {error}") from None
                if event.ts < before_ms:
                    raise DataError(
                        f"{path}, line {number}: ts {event.ts} is before {before_ms} of an earlier line;"
                        " expected events in their order: sort them by ts"
                    )
                before_ms = event.ts
                yield event
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; pass a file of events, one a line") from None


def is_drawn(event: Impression) -> bool:
    """Whether the slate was drawn by scores. An interleaved one is drawn by the coins of a draft, of two arms
    that the settings may not have.
    """
    return event.propensities is not None and event.teams is None


class ShownSlates:
    """What a log shows: how many `events`; `ids`, of the slates with propensities; and the arms of their
    users over time.
    """

    def __init__(self, path: Path, limits: EventLimits) -> None:
        self.events = 0
        self.ids: set[str] = set()
        self._arms: dict[str, list[tuple[int, str]]] = {}
        for event in events_of(path, limits):
            self.events += 1
            if isinstance(event, Impression) and is_drawn(event):
                self.ids.add(event.slate_id)
                self._arms.setdefault(event.user_id, []).append((event.ts, event.arm))

    @property
    def users(self) -> list[str]:
        return list(self._arms)

    @property
    def arms(self) -> list[str]:
        """All of them, in the order in which they come."""
        return list(dict.fromkeys(arm for shown in self._arms.values() for _, arm in shown))

    def arm_of(self, user: str, ts_ms: int) -> str:
        """The arm that a slate had which was made then: that of the next one that the user was shown, else of
        the last one. A slate of what is popular names none of the user's own.
        """
        shown = self._arms.get(user)
        if shown is None:
            return DEFAULT_ARM
        return shown[min(bisect_left(shown, (ts_ms, "")), len(shown) - 1)][1]
