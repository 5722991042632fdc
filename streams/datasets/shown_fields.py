"""What a dataset says of each place of a slate beside its item: prices as they were shown, stars, distances.

`--map shown.NAME=COLUMN` names a column that holds a number for each shown item, in the order of the items.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.cells import is_absent
from streams.datasets.columns.id_lists import split_ids
from streams.datasets.columns.name_lists import in_brackets
from streams.datasets.columns.prices import read_prices

PREFIX = "shown."
"""Before the names of these fields among a file's fields."""

Numbers = tuple[float, ...]


class ShownFields(NamedTuple):
    """values[row]: for each place of the row's slate a number for each of `names`, NaN where none is told."""

    names: tuple[str, ...]
    values: list[list[Numbers]]
    notes: tuple[str, ...]


NO_FIELDS = ShownFields((), [], ())


def read_fields(
    fields: Mapping[str, Sequence[Any]], lengths: Sequence[int], reading: CellRules
) -> ShownFields:
    """Read a column for each field; `lengths`: how many places the slate of each row has.

    A row whose list has another length says nothing: which number belongs to which place is not known.
    """
    columns, notes = [], []
    for name, cells in fields.items():
        parts = [
            [] if is_absent(cell, reading.missing) else _parts(cell, length)
            for cell, length in zip(cells, lengths, strict=True)
        ]
        fits = [len(each) == length for each, length in zip(parts, lengths, strict=True)]
        odd = sum(bool(each) and not fit for each, fit in zip(parts, fits, strict=True))
        if odd:
            notes.append(f"{odd} lists of {name} are not as long as their slates: left out")
        flat = [part for each, fit in zip(parts, fits, strict=True) if fit for part in each]
        numbers, said = _numbers(flat, name, reading)
        notes += said
        column, at = [], 0
        for fit, length in zip(fits, lengths, strict=True):
            column.append(numbers[at : at + length] if fit else [math.nan] * length)
            at += length if fit else 0
        columns.append(column)
    values = [list(zip(*of_row, strict=True)) for of_row in zip(*columns, strict=True)]
    return ShownFields(tuple(name.removeprefix(PREFIX) for name in fields), values, tuple(notes))


def _parts(cell: Any, length: int) -> list[Any]:
    """The numbers in a cell. One of a single place may have marks of its own, as "1,299.00"."""
    alone = length == 1 and isinstance(cell, str) and not in_brackets(cell)
    return [cell] if alone else split_ids(cell)


def _numbers(parts: Sequence[Any], name: str, reading: CellRules) -> tuple[list[float], list[str]]:
    """Plain numbers as they are; where some are none, all as prices are read."""
    plain = [_plain(part) for part in parts]
    if all(number is not None or is_absent(part) for number, part in zip(plain, parts, strict=True)):
        return [math.nan if number is None else number for number in plain], []
    prices = read_prices(parts, reading)
    return [math.nan if price is None else price for price in prices.values], [
        f"{name}: {note}" for note in prices.notes
    ]


def _plain(part: Any) -> float | None:
    try:
        number = float(part)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
