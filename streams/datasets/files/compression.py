"""Compressed bytes to plain ones; the first bytes tell the format."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

from model.errors import DataError

BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


def _by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def expand(content: bytes) -> bytes:
        import pyarrow as pa  # imported here: it takes 40 MB, and few files need it

        with pa.CompressedInputStream(pa.BufferReader(content), codec) as stream:
            found: bytes = stream.read()
        return found

    return expand


_EXPANDERS: tuple[tuple[bytes, str, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.decompress),
    (b"BZh", "bzip2", bz2.decompress),
    (b"\xfd7zXZ\x00", "xz", lzma.decompress),
    (b"\x5d\x00\x00", "lzma", lzma.decompress),
    (b"\x28\xb5\x2f\xfd", "zstd", _by_arrow("zstd")),
    (b"\x04\x22\x4d\x18", "lz4", _by_arrow("lz4")),
)


def expanded(name: str, content: bytes) -> bytes | None:
    """The plain bytes, None if these are not compressed; raises `DataError` if they are broken."""
    for magic, kind, expand in _EXPANDERS:
        if content.startswith(magic):
            try:
                return expand(content)
            except BROKEN as error:
                raise DataError(
                    f"{name} is compressed but broken ({kind}): {error}; fetch it again"
                ) from None
    return None
