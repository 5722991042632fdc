"""Bytes of a data file: plain, compressed (gzip, bzip2, xz), or a member of a zip.

What a file is, is told by its first bytes, not by its name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from model.errors import DataError

_EXPANDERS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ\x00", lzma.decompress),
)
_ZSTD = b"\x28\xb5\x2f\xfd"
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


class DataFile(NamedTuple):
    """A file's name, as messages show it, and its content after decompression."""

    name: str
    content: bytes


def read_data_file(spec: str) -> DataFile:
    """Read `FILE`, or one member of an archive as `FILE.zip:MEMBER`; raises `DataError`."""
    path, member = _split(spec)
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; name one data file") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; pass a data file that exists and can be read") from None
    return _expand(path.name, content, member)


def _split(spec: str) -> tuple[Path, str | None]:
    if not Path(spec).exists() and ".zip:" in spec:
        archive, member = spec.split(".zip:", 1)
        return Path(archive + ".zip"), member
    return Path(spec), None


def _expand(name: str, content: bytes, member: str | None) -> DataFile:
    if content[:4] == b"PK\x03\x04" or content[:4] == b"PK\x05\x06":
        return _unzip(name, content, member)
    if member is not None:
        raise DataError(f"{name} is no zip archive, so it has no member {member!r}")
    if content[:4] == _ZSTD:
        raise DataError(f"{name} is compressed by zstd, which is not read; pass it unpacked, or as gzip")
    for magic, expand in _EXPANDERS:
        if content.startswith(magic):
            try:
                return _expand(name, expand(content), None)
            except _BROKEN as error:
                raise DataError(f"{name} is compressed but broken: {error}; fetch it again") from None
    if not content.strip():
        raise DataError(f"{name} is empty; expected rows of data")
    return DataFile(name, content)


def _unzip(name: str, content: bytes, member: str | None) -> DataFile:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            chosen = _choose(name, archive.namelist(), member)
            inner = archive.read(chosen)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, *_BROKEN) as error:
        raise DataError(f"{name} can't be unzipped: {error}") from None
    return _expand(f"{name}:{chosen}", inner, None)


def _choose(name: str, members: list[str], wanted: str | None) -> str:
    files = [m for m in members if not m.endswith("/") and not m.startswith("__MACOSX/")]
    files = [m for m in files if not m.rsplit("/", 1)[-1].startswith(".")]
    if wanted is None and len(files) == 1:
        return files[0]
    if wanted in files:
        return wanted
    if not files:
        raise DataError(f"{name} holds no files")
    listed = ", ".join(files[:20]) + (", ..." if len(files) > 20 else "")
    problem = f"holds {len(files)} files" if wanted is None else f"has no member {wanted!r}"
    raise DataError(f"{name} {problem}: {listed}. Name one, as in {name}:{files[0]}")
