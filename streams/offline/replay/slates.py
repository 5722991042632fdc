"""Slates of a replay as JSON lines: the same events, model and seed give the same bytes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from model.errors import DataError
from streams.gateway.feeds import Feed
from streams.ranking.slate import Slate

_encoder = msgspec.json.Encoder(order="deterministic")


class SlateFile:
    """Writes slates without their `times`: those are of the wall clock and differ from run to run. `option`:
    by which the file was named.
    """

    def __init__(self, path: Path, option: str = "--slates") -> None:
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise DataError(f"{option} {path}: {error.strerror}; name a file that can be written") from None

    def write(self, slate: Slate | Feed) -> None:
        self._file.write(_encoder.encode(msgspec.structs.replace(slate, times={})) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
