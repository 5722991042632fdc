"""Rows that a reader can't read: it counts all, and names each by file and line with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from model.errors import DataError

SHOWN = 5


class BadRow(NamedTuple):
    """Where a bad row begins, and why the reader left it out. `line` counts from 1, with the header line.

    `lacking`: the row is readable, but has no user or no item.
    """

    file: str
    line: int
    reason: str
    lacking: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass
class BadRows:
    """Collects bad rows while readers read files.

    >>> bad = BadRows()
    >>> bad.add("ratings.csv", 3, "no user")
    >>> print(bad.first()[0])
    ratings.csv:3: no user
    """

    rows: list[BadRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, file: str, line: int, reason: str, lacking: bool = False) -> None:
        self.rows.append(BadRow(file, line, reason, lacking))

    def first(self, count: int = SHOWN) -> list[BadRow]:
        return sorted(self.rows)[:count]

    def by_file(self) -> Counter[str]:
        return Counter(row.file for row in self.rows)

    def refuse_if_most(self, file: str, good: int, advice: str = "check the file and --map") -> None:
        """Raise `DataError` if more than half of a file's rows are bad: then the mapping is wrong.

        Rows without a user or an item don't count, as long as there are other rows: many logs have them.
        """
        mine = sorted(row for row in self.rows if row.file == file and not (row.lacking and good))
        if len(mine) > good:
            shown = "\n  ".join(str(row) for row in mine[:SHOWN])
            raise DataError(
                f"{file}: {len(mine)} of {len(mine) + good} rows can't be read, more than half; "
                f"{advice}. The first ones:\n  {shown}"
            )

    def write(self, path: Path) -> None:
        """Write one line for each row: `file:line: reason`, in the order of the files."""
        path.write_text("".join(f"{row}\n" for row in sorted(self.rows)), encoding="utf-8")
