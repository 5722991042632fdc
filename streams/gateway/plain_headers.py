"""Whether a request is written the usual way, so that a plain route may answer it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from streams.gateway.answers import JSON
from streams.gateway.lines import is_ndjson

_HOST = re.compile(rb"[A-Za-z0-9.:\[\]_-]*")
_LENGTH = re.compile(rb"\d{1,15}")
JSON_TYPE = JSON.encode()
_WATCHED = frozenset(
    [b"host", b"content-length", b"content-type", b"if-none-match", b"if-match", b"idempotency-key"]
)


def plain_headers(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the headers that count are written the usual way, and ask for nothing more."""
    for name, value in headers:
        if name in _WATCHED:
            if name == b"host":
                if _HOST.fullmatch(value) is None:
                    return False
            elif name == b"content-length":
                if _LENGTH.fullmatch(value) is None:
                    return False
            elif name != b"content-type" or (value != JSON_TYPE and is_ndjson(value)):
                return False
    return True


def announced_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length of the body, as plain headers say it; None for a body in chunks."""
    return next((int(value) for name, value in headers if name == b"content-length"), None)
