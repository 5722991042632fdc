"""Lines before a table's header: a `sep=` line of Excel, comment lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from streams.datasets.files.reading import AUTO, NO_COMMENTS, Reading
from streams.datasets.tables.column_names import is_known

COMMENT_MARKS = "#%"
_SEP = re.compile(r'"?sep=(.)"?\s*\Z', re.IGNORECASE)
_NAME_BREAK = re.compile(r"[\t,;| ]+")


class Preamble(NamedTuple):
    """`start`: the first line of the table. `separator`: what a `sep=` line says, else "".

    `comment`: the mark of a comment line, "" if there is none. `likely`: marks that begin a comment if the
    line is not a row. `comments`: the comment lines before the table.
    """

    start: int
    separator: str
    comment: str
    likely: str
    comments: tuple[str, ...] = ()


def preamble_of(lines: Sequence[str], reading: Reading) -> Preamble:
    """The preamble in the first lines.

    A # or % in the file's first line begins a comment, there and further on. A line with # is the header
    itself if it is the only comment line and names known columns.

    >>> preamble_of(["% bip weighted\\n", "1 2 5 10\\n"], Reading()).start
    1
    """
    place, separator = 0, ""
    while place < len(lines) and not lines[place].strip():
        place += 1
    if place < len(lines) and (found := _SEP.match(lines[place].rstrip("\r\n"))):
        place, separator = place + 1, found[1]
    if reading.comments == NO_COMMENTS:
        return Preamble(place, separator, "", "")
    marks = COMMENT_MARKS if reading.comments == AUTO else ""
    mark = reading.comments if not marks else lines[place][:1] if place < len(lines) else ""
    if not mark or (marks and mark not in marks):
        return Preamble(place, separator, "", marks)
    end = place
    while end < len(lines) and (lines[end].startswith(mark) or not lines[end].strip()):
        end += 1
    comments = [line.strip() for line in lines[place:end] if line.strip()]
    if marks and (end == len(lines) or (len(comments) == 1 and _names_columns(comments[0], mark))):
        return Preamble(place, separator, "", marks)  # every line begins so, or the header does
    return Preamble(end, separator, mark, marks, tuple(comments))


def _names_columns(line: str, mark: str) -> bool:
    names = _NAME_BREAK.split(line.removeprefix(mark).strip())
    return len(names) > 1 and sum(map(is_known, names)) > 1
