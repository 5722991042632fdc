"""The blocks of the Netflix prize: a line `MOVIE:`, then a line `user,rating,date` for each rating of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence

from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.table import Notes, Row, Table

COLUMNS = ("movie_id", "user_id", "rating", "date")
_MOVIE = re.compile(r"\s*([^\s,;:]+):\s*\Z")
_FIRST = re.compile(r"\s*[^\s,;:]+:[ \t]*\r?\n\s*[^\s,;:]+,[^\n]*,[^\n]*\n?")


def begins_as_blocks(text: str) -> bool:
    """Whether a text begins with a block's first two lines.

    >>> begins_as_blocks("1:\\n1488844,3,2005-09-06\\n")
    True
    """
    return _FIRST.match(text[:4096]) is not None


def block_table(name: str, text: str, numbered: bool = False, notes: Iterable[str] = ()) -> Table:
    """A table of blocks; by number the columns are movie, user, rating, date."""
    noted = Notes(name, notes)
    noted.put("layout", f"blocks of the Netflix prize, read as {', '.join(COLUMNS)}")
    columns = ("1", "2", "3", "4") if numbered else COLUMNS

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        places = [columns.index(column) for column in wanted]
        movie = None
        for number, line in enumerate(io.StringIO(text), 1):
            if found := _MOVIE.match(line):
                movie = found[1]
                continue
            fields = line.strip().split(",")
            if len(fields) == 3 and movie is not None:
                cells = (movie, *fields)
                yield Row(number, [cells[place] for place in places])
            elif line.strip():
                bad.add(name, number, f"has {len(fields)} fields, expected user,rating,date of a movie")

    return Table(name, columns, rows, numbered=numbered, notes=noted)
