"""Bytes to text: UTF-8 (or UTF-16 with its mark); else Windows-1252, said aloud."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from model.errors import DataError

# Kept in the text where a byte is not UTF-8, so that the row's reader can refuse that row alone.
UNDECODABLE = frozenset(chr(code) for code in range(0xDC80, 0xDD00))


class Text(NamedTuple):
    """A file's text, and what had to be assumed to read it."""

    text: str
    notes: tuple[str, ...]


def decode_text(name: str, content: bytes) -> Text:
    """Decode a file, by these rules in order:

    1. a byte order mark decides (UTF-8, UTF-16);
    2. valid UTF-8 is UTF-8;
    3. where most lines with non-ASCII bytes are valid UTF-8, the others are bad rows;
    4. else the file is Windows-1252 (a superset of latin-1's letters), and a note says so.

    >>> decode_text("movies.dat", "Café\\n".encode("latin-1")).text
    'Café\\n'
    """
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            try:
                return Text(content.decode(encoding).removeprefix("\ufeff"), (f"{name}: read as UTF-16",))
            except UnicodeDecodeError as error:
                raise DataError(f"{name} begins as UTF-16 but is broken: {error}; save it as UTF-8") from None
    try:
        return Text(content.decode("utf-8-sig"), ())
    except UnicodeDecodeError:
        pass
    lines = [line for line in content.split(b"\n") if not line.isascii()]
    valid = sum(_is_utf8(line) for line in lines)
    if valid > len(lines) - valid:
        return Text(content.decode("utf-8-sig", errors="surrogateescape"), ())
    _refuse_binary(name, content)
    return Text(
        content.decode("cp1252", errors="replace"),
        (f"{name}: not UTF-8, so read as Windows-1252 (latin-1); save it as UTF-8 if letters look wrong",),
    )


def flaw_in(line: str) -> str | None:
    """Why this line's characters can't be used, or None."""
    if line.isascii():
        return "contains a NUL character" if "\0" in line else None
    if "\0" in line:
        return "contains a NUL character"
    if not UNDECODABLE.isdisjoint(line):
        return "is not valid UTF-8, as the rest of the file is"
    return None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse_binary(name: str, content: bytes) -> None:
    head = content[:4096]
    control = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    if control > len(head) // 20:
        raise DataError(f"{name} is not text; expected CSV, TSV, JSON lines or Parquet, plain or compressed")
