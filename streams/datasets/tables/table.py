"""A table, the result of every reader: column names, and rows that know the line at which they begin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.datasets.tables.bad_rows import BadRows


class Row(NamedTuple):
    """`line`: where the row begins, from 1 (in Parquet and JSON arrays the row's number). `cells`: of the
    wanted columns.
    """

    line: int
    cells: list[Any]


RowReader = Callable[[Sequence[str], BadRows], Iterator[Row]]


class Notes:
    """How the reader read a file, in words. It adds some notes only after it has read the rows.

    >>> notes = Notes("t.csv", ["tab-separated"])
    >>> notes.put("comments", "2 comment lines left out"); list(notes)
    ['t.csv: tab-separated', 't.csv: 2 comment lines left out']
    """

    def __init__(self, name: str, noted: Iterable[str] = ()) -> None:
        self.name = name
        self._texts: dict[str, str] = {text: text for text in noted}

    def put(self, topic: str, text: str) -> None:
        """Set the note of a topic; an empty text removes it."""
        if text:
            self._texts[topic] = text
        else:
            self._texts.pop(topic, None)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter([f"{self.name}: {text}" for text in self._texts.values()])


@dataclass(frozen=True)
class Table:
    """`rows(columns, bad)` reads the rows again each time; bad rows go to `bad`.

    `types`: RecBole's column types ("token", "token_seq", "float", ...), where the header has them.
    `numbered`: the columns have no names but "1", "2", ... `notes`: how the reader read the file; notes on
    the rows come once it has read them. `hint`: what to do if a column is missing.
    """

    name: str
    columns: tuple[str, ...]
    rows: RowReader
    types: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    notes: Iterable[str] = ()
    hint: str = ""
