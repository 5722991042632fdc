"""A table as every reader gives it: column names, and rows that know the line they begin at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.replay.bad_rows import BadRows


class Row(NamedTuple):
    """`line`: where the row begins, from 1 (in Parquet and JSON arrays its number). `cells`: as asked."""

    line: int
    cells: list[Any]


RowReader = Callable[[Sequence[str], BadRows], Iterator[Row]]


@dataclass(frozen=True)
class Table:
    """`rows(columns, bad)` reads the rows again each time; what can't be read goes to `bad`.

    `types`: RecBole's column types ("token", "token_seq", "float", ...), where the header has them.
    `numbered`: the columns have no names but "1", "2", ...
    """

    name: str
    columns: tuple[str, ...]
    rows: RowReader
    types: dict[str, str] = field(default_factory=dict)
    numbered: bool = False
    notes: tuple[str, ...] = ()
