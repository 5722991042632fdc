"""Where the next page of a slate begins, as a client sends it back.

The pages of one slate are stable: what is ranked meanwhile changes none of them. A cursor says which slate
and which place; whose slate it is, is checked against the ranker's own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streams.gateway.errors import ProblemError, problem

_WRITTEN = re.compile(r"([0-9a-f]{24})\.(0|[1-9]\d{0,4})")
PATTERN = rf"^{_WRITTEN.pattern}$"


class Cursor(NamedTuple):
    """The place, from 0, of the slate at which a page begins."""

    slate_id: str
    place: int

    def __str__(self) -> str:
        return f"{self.slate_id}.{self.place}"


def read_cursor(text: str) -> Cursor:
    """Raises `ProblemError` for what is no cursor.

    >>> read_cursor("0123456789abcdef01234567.10")
    Cursor(slate_id='0123456789abcdef01234567', place=10)
    """
    if (found := _WRITTEN.fullmatch(text)) is None:
        raise wrong_cursor(f"{text[:60]!r}")
    return Cursor(found[1], int(found[2]))


def wrong_cursor(came: str) -> ProblemError:
    """The answer to a cursor that leads nowhere."""
    return ProblemError(
        problem(
            400,
            "wrong_cursor",
            expected="the cursor of an answer for this user, whose slate is still kept (ranker.slates_kept)",
            came=came,
            remedy="begin again without a cursor",
        )
    )
