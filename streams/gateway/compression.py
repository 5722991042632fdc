"""Codings of answers (RFC 9110, section 8.4): which one a client takes, and how it is made."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import cramjam

LEVELS = {"zstd": 3, "gzip": 4}
"""By preference: zstd takes less time than gzip, and less room."""
_TYPES = ("application/json", "application/problem+json", "application/x-ndjson", "application/vnd.oai")
_GZIP = 16 + zlib.MAX_WBITS


class Coder(Protocol):
    """Codes a body that comes in parts."""

    def part(self, body: bytes) -> bytes:
        """The part, whole for whoever decodes what came so far."""
        ...

    def end(self) -> bytes: ...


def coding_for(accepted: bytes) -> str | None:
    """The coding that a client takes by its Accept-Encoding; None for none.

    >>> coding_for(b"gzip, deflate, br"), coding_for(b"zstd;q=0, gzip;q=0.5"), coding_for(b"identity")
    ('gzip', 'gzip', None)
    >>> coding_for(b"gzip, zstd"), coding_for(b"gzip;q=1, zstd;q=0.5"), coding_for(b"*")
    ('zstd', 'gzip', 'zstd')
    """
    wanted: dict[str, float] = {}
    for each in accepted.decode("latin-1").lower().split(","):
        name, _, parameter = each.partition(";")
        wanted[name.strip()] = _quality(parameter)
    found = [(wanted.get(name, wanted.get("*", 0.0)), name) for name in LEVELS]
    best = max(found, key=lambda each: each[0])
    return best[1] if best[0] > 0 else None


def is_compressible(media_type: str) -> bool:
    """Whether a body of this type is text that gains by it; a stream of events must not wait in a coder."""
    return media_type.startswith((*_TYPES, "text/")) and not media_type.startswith("text/event-stream")


def compressed(body: bytes, coding: str) -> bytes:
    """A whole body in a coding."""
    return _WHOLE[coding](body)


def coder_of(coding: str) -> Coder:
    """What codes a body in parts."""
    return _Zstd() if coding == "zstd" else _Gzip()


class _Gzip:
    def __init__(self) -> None:
        self._coder = zlib.compressobj(LEVELS["gzip"], zlib.DEFLATED, _GZIP)

    def part(self, body: bytes) -> bytes:
        return self._coder.compress(body) + self._coder.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._coder.flush()


class _Zstd:
    def __init__(self) -> None:
        self._coder = cramjam.zstd.Compressor(LEVELS["zstd"])

    def part(self, body: bytes) -> bytes:
        self._coder.compress(body)
        return bytes(self._coder.flush())

    def end(self) -> bytes:
        return bytes(self._coder.finish())


def _gzip(body: bytes) -> bytes:
    coder = zlib.compressobj(LEVELS["gzip"], zlib.DEFLATED, _GZIP)
    return coder.compress(body) + coder.flush()


def _zstd(body: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(body, LEVELS["zstd"]))


_WHOLE: dict[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "gzip": _gzip}


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return min(1.0, max(0.0, float(value))) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
