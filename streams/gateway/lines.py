"""Lines of a body that comes in parts, of bounded length: NDJSON, one JSON value a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

NDJSON = "application/x-ndjson"
NDJSON_TYPES = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")


class Line(NamedTuple):
    """`number`: from 1, as editors count. `content` is None where the line is too long to be kept."""

    number: int
    content: bytes | None


class LineSplitter:
    """Keeps a line that has not ended yet, up to `longest` bytes of it.

    >>> lines = LineSplitter(longest=9)
    >>> [*lines.feed(b'{"a":1}\\n\\n{"b'), *lines.feed(b'":2}'), *lines.rest()]
    [Line(number=1, content=b'{"a":1}'), Line(number=3, content=b'{"b":2}')]
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._begun = bytearray()
        self._too_long = False
        self.number = 0
        """Of the last line that was handed out, or passed over."""

    def feed(self, part: bytes) -> Iterator[Line]:
        """The lines that end in this part; blank ones are passed over, and counted."""
        at = 0
        while (end := part.find(b"\n", at)) >= 0:
            self._keep(part, at, end)
            yield from self.rest()
            at = end + 1
        self._keep(part, at, len(part))

    def rest(self) -> Iterator[Line]:
        """The line that has begun: the last one of a body needs no end."""
        content, too_long = bytes(self._begun), self._too_long
        self._begun.clear()
        self._too_long = False
        self.number += 1
        if too_long:
            yield Line(self.number, None)
        elif content.strip():
            yield Line(self.number, content)

    def _keep(self, part: bytes, at: int, end: int) -> None:
        if self._too_long or len(self._begun) + end - at > self._longest:
            self._begun.clear()
            self._too_long = self._too_long or end > at
        else:
            self._begun += part[at:end]


def is_ndjson(content_type: bytes) -> bool:
    """Whether a body of this type has a JSON value a line.

    >>> is_ndjson(b"application/x-ndjson; charset=utf-8"), is_ndjson(b"application/json")
    (True, False)
    """
    return content_type.partition(b";")[0].strip().lower() in NDJSON_TYPES
