"""The shape of a table's rows, to tell a row from a line of text in a quoted field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.datasets.columns.cells import is_absent

FIGURE = re.compile(
    r"""\ *(?:
      [-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+|\d{1,3}(?:,\d{3})+(?:\.\d+)?)(?:[eE][-+]?\d+)?  # a number
    | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}                                                   # a date,
      (?:[\ T]+\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?)?                                     # its time,
      (?:\ ?(?:Z|UTC|GMT|[AaPp]\.?[Mm]\.?|[-+]\d\d:?\d\d))?                              # and zone
    | \d{1,2}:\d\d(?::\d\d)?                                                            # a time
    )\ *\Z""",
    re.VERBOSE,
)


# This share of a column's cells decides its shape: a line of prose in a quoted field must not hide it.
MOST = 0.9


class RowShape(NamedTuple):
    """`figures`: the columns that hold nothing but numbers and times; `words`: those without white space.

    `optional`: those with empty cells. `opens`: the quote that begins every row, "" if not all rows have it.
    """

    width: int
    figures: tuple[int, ...] = ()
    words: tuple[int, ...] = ()
    optional: frozenset[int] = frozenset()
    opens: str = ""

    @property
    def telling(self) -> bool:
        """Whether the shape is so specific that a line of prose can hardly have it."""
        return bool(self.figures)

    def fits(self, fields: Sequence[str]) -> bool:
        """Whether these may be the fields of a row."""
        return (
            len(fields) == self.width
            and all(is_figure(fields[place]) or self._may_miss(place, fields) for place in self.figures)
            and all(_is_word(fields[place]) or self._may_miss(place, fields) for place in self.words)
        )

    def _may_miss(self, place: int, fields: Sequence[str]) -> bool:
        return place in self.optional and is_absent(fields[place])


def shape_of(rows: Iterable[Sequence[str]], width: int) -> RowShape:
    """The shape of these rows, without those of another width.

    >>> shape_of([["u1", "5", "so so"], ["u2", "", "fine"]], 3)
    RowShape(width=3, figures=(1,), words=(0,), optional=frozenset({1}), opens='')
    """
    columns = list(zip(*(row for row in rows if len(row) == width), strict=True))
    cells = [[cell for cell in column if not is_absent(cell)] for column in columns]
    optional = frozenset(k for k, column in enumerate(columns) if len(cells[k]) < len(column))
    figures = tuple(k for k, column in enumerate(cells) if _most(map(is_figure, column), len(column)))
    others = ((k, column) for k, column in enumerate(cells) if k not in figures)
    words = tuple(k for k, column in others if _most(map(_is_word, column), len(column)))
    return RowShape(width, figures, words, optional)


def is_figure(cell: str) -> bool:
    """Whether a cell is a number, a date or a time.

    >>> is_figure("-4.5"), is_figure("2014-02-28 10:00"), is_figure("4 stars")
    (True, True, False)
    """
    return FIGURE.match(cell) is not None


def _most(hold: Iterable[bool], count: int) -> bool:
    return count > 0 and sum(hold) >= MOST * count


def _is_word(cell: str) -> bool:
    return len(cell.split()) == 1
