"""Events of a stream, parsed line by line as WHATWG HTML says (9.2.6): an independent reading of the bytes.

Bytes that the grammar of 9.2.5 does not have (a field of another name, no UTF-8) are an error here, where
browsers pass over them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

FIELDS = ("event", "data", "id", "retry")


class Event(NamedTuple):
    name: str
    data: str
    last_event_id: str


@dataclass
class StrictEvents:
    """Takes bytes as they come. `retry_ms` and `comments`: what was told beside events."""

    retry_ms: int | None = None
    comments: list[str] = field(default_factory=list)
    last_event_id: str = ""
    _rest: bytes = b""
    _id_buffer: str = ""
    _name: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, part: bytes) -> Iterator[Event]:
        *lines, self._rest = re.split(rb"\r\n|\n|\r", self._rest + part)
        for line in lines:
            if found := self._line(line.decode()):
                yield found

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments.append(line[1:].removeprefix(" "))
            return None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        assert name in FIELDS, f"no field of an event: {line!r}"
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            assert "\0" not in value
            self._id_buffer = value
        else:
            assert value.isdigit()
            self.retry_ms = int(value)
        return None

    def _dispatch(self) -> Event | None:
        self.last_event_id = self._id_buffer
        name, data = self._name or "message", "\n".join(self._data)
        had_data = bool(self._data)
        self._name, self._data = "", []
        return Event(name, data, self.last_event_id) if had_data else None
