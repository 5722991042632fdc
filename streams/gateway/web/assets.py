"""Static files of the pages, in memory, under addresses that name their content.

All files share one digest: modules import each other by relative paths, so the digest stays in their
addresses, and no bundler is needed. What an address names never changes, so browsers keep it for good.
"""

from __future__ import annotations

import hashlib
import importlib.util
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cramjam

from streams.gateway.web.rooms import folders

ADDRESS = "/assets"
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""A file of any other kind is no asset."""
CHART = "chart/Chart.bundle.js"
"""Chart.js (MIT), as the Python package chartkick brings it."""
CHART_LICENSE = "chart/LICENSE.txt"
_GZIP = 16 + zlib.MAX_WBITS


class Asset(NamedTuple):
    """A file as it is sent. `coding`: of `body`; None where it is as it was written."""

    media_type: str
    body: bytes
    coding: str | None


class Assets:
    """All files, read once. `digest`: of all of them; 12 characters."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files
        self._made: dict[tuple[str, str | None], Asset] = {}
        told = hashlib.sha256()
        for name, content in sorted(files.items()):
            told.update(f"{name}\0{len(content)}\0".encode() + content)
        self.digest = told.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where a page finds a file: `web/base.css`. Raises `KeyError` for one that is not there."""
        if name not in self._files:
            raise KeyError(f"no static file {name!r}: expected one of {', '.join(sorted(self._files))}")
        return f"{ADDRESS}/{self.digest}/{name}"

    def find(self, digest: str, name: str, coding: str | None) -> Asset | None:
        """The file under an address; None where there is none, or only of another time.

        coding: what the client takes. A file is coded once, when it is first asked for; any thread may ask.
        """
        if digest != self.digest or name not in self._files:
            return None
        if (made := self._made.get((name, coding))) is None:
            made = self._made[name, coding] = _asset(name, self._files[name], coding)
        return made


@cache
def assets() -> Assets:
    """Those of this installation."""
    return Assets(dict(_read()))


def _read() -> Iterator[tuple[str, bytes]]:
    for room, folder in folders("static").items():
        for file in sorted(folder.rglob("*")):
            if file.suffix in MEDIA_TYPES:
                yield f"{room}/{file.relative_to(folder).as_posix()}", file.read_bytes()
    package = _chartkick()
    yield CHART, (package / "django/static/chartkick/Chart.bundle.js").read_bytes()
    yield CHART_LICENSE, (package / "licenses/LICENSE-chart.js.txt").read_bytes()


def _chartkick() -> Path:
    """The package's folder; it is not imported, for its code is for other frameworks."""
    found = importlib.util.find_spec("chartkick")
    assert found is not None, "a requirement of this package"
    assert found.origin is not None
    return Path(found.origin).parent


def _asset(name: str, content: bytes, coding: str | None) -> Asset:
    media_type = MEDIA_TYPES[Path(name).suffix]
    coded = content
    if coding == "zstd":
        coded = bytes(cramjam.zstd.compress(content, 9))
    elif coding == "gzip":
        coder = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
        coded = coder.compress(content) + coder.flush()
    shorter = len(coded) < len(content)
    return Asset(media_type, coded if shorter else content, coding if shorter else None)
