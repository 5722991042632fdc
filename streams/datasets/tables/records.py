"""The rows of delimited text. A quote that is not closed must not swallow the rows after it.

If a quoted field runs over a line's end, the reader compares two readings: one row with line ends in a field,
or a stray quote and the lines as rows by themselves. It takes the reading that explains more lines as rows of
the table's shape; `Tally` counts both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.datasets.files.text import flaw_in
from streams.datasets.tables.quoting import (
    FIELD_LIMIT,
    SPACES,
    CarefulRows,
    Dialect,
    closing_of,
    split,
    split_by_field,
)
from streams.datasets.tables.row_shape import RowShape

# The reader does not believe a quoted field of more lines.
LINES_MAX = 1_000
# If three in four of this many lines are rows by themselves, the quote before them is a stray one.
LOOK_LINES = 16
# If a line of prose could be a row, the reading with a stray quote must give this many more rows.
MARGIN = 2


class Record(NamedTuple):
    """One row of text: its fields, or its flaw."""

    line: int
    fields: list[str]
    flaw: str | None = None


class Tally:
    """What the reader met besides plain rows: for each topic the count, and the first line."""

    def __init__(self) -> None:
        self.count: dict[str, int] = {}
        self.first: dict[str, int] = {}

    def add(self, topic: str, line: int) -> None:
        self.count[topic] = self.count.get(topic, 0) + 1
        self.first.setdefault(topic, line)


class Records:
    """Reads the rows of `lines` that have the width of `shape`; it passes over blank lines.

    `comment`: the mark of a comment line; "" for none; `likely`: characters that begin a comment if the line
    is not a row. `header`: a line to leave out wherever it comes again.
    """

    def __init__(
        self,
        lines: Sequence[str],
        dialect: Dialect,
        shape: RowShape,
        comment: str = "",
        likely: str = "",
        header: str = "",
    ) -> None:
        self.lines, self.dialect, self.shape = lines, dialect, shape
        self.comment, self.likely, self.header = comment, tuple(likely), header
        self.tally = Tally()
        self._looks: dict[int, bool] = {}
        self._closing = closing_of(dialect)

    def read(self, start: int = 0) -> Iterator[Record]:
        """Row by row from line `start` on, counted from 0."""
        self.tally = Tally()
        dialect, width, comment, header = self.dialect, self.shape.width, self.comment, self.header
        delimiter = None if dialect.delimiter == SPACES else dialect.delimiter
        marks = [mark for mark in (dialect.quote, "\\" if dialect.escape else "") if mark]
        quote, escape = marks[0] if marks else "\n\n", marks[-1] if marks else "\n\n"
        careful, place, count = CarefulRows(dialect), start, len(self.lines)
        while place < count:
            line = self.lines[place]
            if comment and line.startswith(comment):
                self.tally.add("comments", place + 1)
                place += 1
                continue
            text = line.rstrip("\r\n")
            if quote not in line and escape not in line:
                fields: list[str] | None = text.split(delimiter)
            else:
                fields = careful.fields(text)
            if fields is not None and len(fields) == width and line.isascii() and "\0" not in line:
                if line == header:
                    self.tally.add("headers", place + 1)
                elif len(line) <= FIELD_LIMIT or max(map(len, fields)) <= FIELD_LIMIT:
                    yield Record(place + 1, fields)
                else:
                    yield Record(place + 1, [], _TOO_LONG)
                place += 1
                continue
            record, place = self._read_with_care(place, text)
            if record is not None:
                yield record

    def _read_with_care(self, place: int, text: str) -> tuple[Record | None, int]:
        """The row that begins here, None if there is none, and the line after it."""
        if text.strip() in ("", "\x1a") and (self.dialect.delimiter == SPACES or len(self._alone(text)) < 2):
            return None, place + 1  # \x1a: DOS ends a file so
        if self.lines[place] == self.header:
            self.tally.add("headers", place + 1)
            return None, place + 1
        fields, end, flaw = self._fields(place, text)
        if flaw is not None and text.startswith(self.likely):
            self.tally.add("comments", place + 1)
            return None, place + 1
        if flaw is None and max(map(len, fields)) > FIELD_LIMIT:
            flaw = _TOO_LONG
        flaw = flaw or next(filter(None, map(flaw_in, self.lines[place:end])), None)
        return Record(place + 1, [] if flaw else fields, flaw), end

    def _alone(self, text: str) -> list[str]:
        return text.split(self.dialect.delimiter)

    def _fields(self, place: int, text: str) -> tuple[list[str], int, str | None]:
        """The fields, the line after them, and their flaw."""
        width, alone = self.shape.width, split(text, self.dialect)
        found = trim(alone.fields, width)
        if not alone.open and len(found) == width:
            if not alone.clean:
                self.tally.add("stray", place + 1)
            return found, place + 1, None
        if alone.open and (many := self._over_lines(place)) is not None:
            self.tally.add("many", place + 1)
            return *many, None
        by_field = trim(split_by_field(text, self.dialect), width)
        if self.dialect.quote and self.dialect.quote in text and len(by_field) == width:
            self.tally.add("stray", place + 1)
            return by_field, place + 1, None
        if alone.open:
            return [], place + 1, f"opens a quote ({self.dialect.quote}) that is not closed"
        return [], place + 1, f"has {len(found)} fields, expected {width}"

    def _over_lines(self, place: int) -> tuple[list[str], int] | None:
        """The row as one whose field holds line ends, and the line after it; None if it is not such a row."""
        dialect, width = self.dialect, self.shape.width
        size = seen = rows = 0
        for end in range(place + 1, min(len(self.lines), place + LINES_MAX)):
            line = self.lines[end]
            size += len(line)
            if size > FIELD_LIMIT:
                return None
            if not dialect.trust and line.strip():
                seen, rows = seen + 1, rows + self._looks_like_a_row(end)
                if seen >= LOOK_LINES and 4 * rows > 3 * seen:
                    return None
            if self._closing.search(line) is None:
                continue
            whole = split(_chomp("".join(self.lines[place : end + 1])), dialect)
            if whole.open:
                continue
            fields = trim(whole.fields, width)
            if len(fields) != width:
                return None
            if dialect.trust:
                return fields, end + 1
            together = whole.clean + (0 if self.shape.fits(fields) else -1)
            if whole.clean and not self.shape.telling:
                together += MARGIN
            score, others = self._explained_apart(place, end + 1)
            believed = score <= together and (whole.clean or not others)
            return (fields, end + 1) if believed else None
        return None

    def _explained_apart(self, place: int, end: int) -> tuple[int, int]:
        """If the quote in the first of these lines is a stray one: rows minus lines that are not rows, and
        the rows after the first line.
        """
        first = trim(split_by_field(self.lines[place].rstrip("\r\n"), self.dialect), self.shape.width)
        # A cell that is one quote and nothing else is more likely the edge of a text.
        score = 1 if len(first) == self.shape.width and self.dialect.quote not in first else -1
        if self.dialect.escape and _ends_escaped(self.lines[place]):
            score = -1  # a backslash escapes the line's end: no quote is in question
        place += 1
        rows = 0
        while place < end:
            if not self.lines[place].strip():
                place += 1
            elif self._looks_like_a_row(place):
                rows, place = rows + 1, place + 1
            elif (after := self._row_over_lines(place, end)) is not None:
                rows, place = rows + 1, after
            else:
                score, place = score - 1, place + 1
        return score + rows, rows

    def _row_over_lines(self, place: int, last: int) -> int | None:
        """The line after a row of the right shape that begins here and runs over lines; None for none."""
        for end in range(place + 2, min(last, place + LOOK_LINES) + 1):
            whole = split(_chomp("".join(self.lines[place:end])), self.dialect)
            if not whole.open:
                fits = whole.clean and self.shape.fits(trim(whole.fields, self.shape.width))
                return end if fits else None
        return None

    def _looks_like_a_row(self, place: int) -> bool:
        if place not in self._looks:
            text = self.lines[place].rstrip("\r\n")
            alone = split(text, self.dialect)
            width = self.shape.width
            fields = [] if alone.open else trim(alone.fields, width)
            if len(fields) != width:
                fields = trim(split_by_field(text, self.dialect), width)
            self._looks[place] = (
                text.startswith(self.shape.opens)
                and self.dialect.quote not in fields
                and self.shape.fits(fields)
            )
        return self._looks[place]


_TOO_LONG = f"field larger than field limit ({FIELD_LIMIT})"


def _ends_escaped(line: str) -> bool:
    text = line.rstrip("\r\n")
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _chomp(text: str) -> str:
    """The text without its last line end; a line end before that belongs to a field."""
    return text.removesuffix("\n").removesuffix("\r")


def trim(fields: list[str], width: int) -> list[str]:
    """The fields without empty ones past the width: some writers end each line with a delimiter."""
    if len(fields) > width and not any(fields[width:]):
        return fields[:width]
    return fields
