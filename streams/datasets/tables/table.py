"""A table as every reader gives it: column names, and rows that know the line they begin at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.datasets.tables.bad_rows import BadRows


class Row(NamedTuple):
    """`line`: where the row begins, from 1 (in Parquet and JSON arrays its number). `cells`: as asked."""

    line: int
    cells: list[Any]


RowReader = Callable[[Sequence[str], BadRows], Iterator[Row]]


class Notes:
    """How a file was read, in words. What is known only after the rows were read is put in then.

    >>> notes = Notes("t.csv", ["tab-separated"])
    >>> notes.put("comments", "2 comment lines left out"); list(notes)
    ['t.csv: tab-separated', 't.csv: 2 comment lines left out']
    """

    def __init__(self, name: str, said: Iterable[str] = ()) -> None:
        self.name = name
        self._said: dict[str, str] = {text: text for text in said}

    def put(self, topic: str, text: str) -> None:
        """Say this of a topic; an empty text takes back what was said before."""
        if text:
            self._said[topic] = text
        else:
            self._said.pop(topic, None)

    def __bool__(self) -> bool:
        return bool(self._said)

    def __iter__(self) -> Iterator[str]:
        return iter([f"{self.name}: {text}" for text in self._said.values()])


@dataclass(frozen=True)
class Table:
    """`rows(columns, bad)` reads the rows again each time; what can't be read goes to `bad`.

    `types`: RecBole's column types ("token", "token_seq", "float", ...), where the header has them.
    `numbered`: the columns have no names but "1", "2", ... `notes`: how the file was read; those of the rows
    are there once the rows were read. `hint`: what to do where a column is missed.
    """

    name: str
    columns: tuple[str, ...]
    rows: RowReader
    types: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    notes: Iterable[str] = ()
    hint: str = ""
