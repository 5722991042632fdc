"""How a worker's process ends: its exit status, and its last line in the log, which says why."""

from __future__ import annotations

import logging
import os
from typing import NamedTuple, NoReturn

from model.errors import (
    DataError,
    ModelError,
    NewerVersionError,
    ProgressError,
    SettingsError,
    StoreUnfitError,
    UndecodableError,
)

log = logging.getLogger(__name__)

DRAINED = 0
FAILED = 1
"""It could not go on, because of a defect or of a failure that has no name of ours."""
UNFIT = 2
"""It could not go on, for a reason that an operator must mend: a restart alone meets it again."""
OVERDUE = 3
"""It was told to end, and was not done by its deadline."""
INTERRUPTED = 130
"""It was told to end twice."""


FOR_OPERATORS = (
    SettingsError,
    ModelError,
    DataError,
    NewerVersionError,
    ProgressError,
    StoreUnfitError,
    UndecodableError,
)


class Ending(NamedTuple):
    """The exit status of the process, and the reason for it on one line."""

    status: int
    reason: str


def because_of(error: BaseException) -> Ending:
    """The end of a worker that can't go on.

    >>> because_of(ValueError("two\\nlines"))
    Ending(status=1, reason='ValueError: two lines')
    >>> because_of(SettingsError("set another")).status, because_of(KeyError()).reason
    (2, 'KeyError')
    """
    said = " ".join(str(error).split())
    name = type(error).__name__
    status = UNFIT if isinstance(error, FOR_OPERATORS) else FAILED
    return Ending(status, f"{name}: {said}" if said else name)


def end(ending: Ending) -> NoReturn:
    """Say why, and end the process: no thread, and no task that starts itself anew, holds it up."""
    level = logging.INFO if ending.status == DRAINED else logging.CRITICAL
    # Whatever still runs in another thread must not have the last word.
    record = log.makeRecord(
        *(log.name, level, __file__, 0, "worker ends with exit status %d: %s"), tuple(ending), None
    )
    logging.disable(logging.CRITICAL)
    for handler in logging.getLogger().handlers:
        handler.handle(record)
        handler.flush()
    os._exit(ending.status)
