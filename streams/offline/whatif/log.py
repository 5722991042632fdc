"""The log: events as JSON lines, in the order in which they came, as `headrace simulate --events` writes
them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from model.errors import DataError, EventError
from streams.events.schema import AnyEvent, EventLimits, Impression, decode, time_of


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


def shown_in(path: Path, limits: EventLimits) -> tuple[set[str], dict[str, str]]:
    """The ids of the slates that were shown with propensities, and the arm of each user's first one."""
    ids: set[str] = set()
    arms: dict[str, str] = {}
    for event in events_of(path, limits):
        if isinstance(event, Impression):
            arms.setdefault(event.user_id, event.arm)
            if event.propensities is not None:
                ids.add(event.slate_id)
    return ids, arms
