"""Bytes to text: UTF-8, UTF-16 or UTF-32, else the likeliest encoding, with a note."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from model.errors import DataError
from streams.datasets.files.encodings import likely_encoding, utf_16_without_mark
from streams.datasets.files.reading import AUTO

# Marks a byte that is not UTF-8, so that the row's reader can refuse only that row.
UNDECODABLE = frozenset(chr(code) for code in range(0xDC80, 0xDD00))
# UTF-32 first: its mark begins like that of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHOWN = {
    "cp1252": "Windows-1252 (latin-1)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp932": "Shift-JIS (cp932)",
}


class Text(NamedTuple):
    """A file's text, and notes on what the reader assumed."""

    text: str
    notes: tuple[str, ...]


def decode_text(name: str, content: bytes, encoding: str = AUTO) -> Text:
    """Decode a file, by these rules in order:

    1. a byte order mark decides (UTF-8, UTF-16, UTF-32), then the encoding in `encoding`;
    2. if every other byte is often NUL, the file is UTF-16 without a mark;
    3. valid UTF-8 is UTF-8;
    4. if most lines with non-ASCII bytes are valid UTF-8, the other lines are bad rows;
    5. else the file is in the encoding of `likely_encoding`, and a note says so.

    >>> decode_text("movies.dat", "Café\\n".encode("latin-1")).text
    'Café\\n'
    """
    for mark, marked in MARKS:
        if content.startswith(mark):
            return _as(content, marked, f"read as {marked[:6].upper()}")
    if encoding != AUTO and not content.startswith(codecs.BOM_UTF8):
        return _as(content, encoding, f"read as {encoding}, as --encoding asks")
    found = utf_16_without_mark(content)
    if found is not None:
        return _as(content, found, f"read as {found.upper()}, which no mark says; --encoding changes it")
    try:
        return Text(content.decode("utf-8-sig"), ())
    except UnicodeDecodeError:
        pass
    lines = [line for line in content.split(b"\n") if not line.isascii()]
    valid = sum(_is_utf8(line) for line in lines)
    if valid > len(lines) - valid:
        return Text(content.decode("utf-8-sig", errors="surrogateescape"), ())
    _refuse_binary(name, content)
    likely = likely_encoding(content)
    shown = _SHOWN.get(likely, likely.upper())
    return _as(
        content, likely, f"not UTF-8, so read as {shown}; where letters look wrong, name it with --encoding"
    )


def flaw_in(line: str) -> str | None:
    """Why the reader can't use this line's characters, or None."""
    if line.isascii():
        return "contains a NUL character" if "\0" in line else None
    if "\0" in line:
        return "contains a NUL character"
    if not UNDECODABLE.isdisjoint(line):
        return "is not valid UTF-8, as the rest of the file is"
    return None


def _as(content: bytes, encoding: str, note: str) -> Text:
    """The text in this encoding; invalid bytes become U+FFFD, and the note counts them."""
    text = content.decode(encoding, errors="replace").removeprefix("\ufeff")
    broken = text.count("\ufffd")
    return Text(
        text, (note + (f"; {broken} characters could not be read and became U+FFFD" if broken else ""),)
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refuse_binary(name: str, content: bytes) -> None:
    head = content[:4096]
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x01\x1b" for byte in head)
    if control > len(head) // 20:
        raise DataError(f"{name} is not text; expected CSV, TSV, JSON lines or Parquet, plain or compressed")
