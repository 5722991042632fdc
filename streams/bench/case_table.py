"""Cases as Markdown: one row a case, one column a figure, one column a part's CPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streams.bench.cases import Case, Measured
from streams.bench.table import page_head, table_lines

ABSENT = "–"


def case_page(measured: Measured) -> str:
    """A page: the command, the machine, the table and the notes."""
    lines = [
        *page_head(measured.title, measured.machine),
        *case_rows(measured.cases, measured.unit),
        "",
        *(f"- {note}" for note in measured.notes),
    ]
    return "\n".join(lines).rstrip() + "\n"


def case_rows(cases: Sequence[Case], unit: str) -> list[str]:
    """The table's lines, the heading first."""
    figures, parts = names(case.figures for case in cases), names(case.cpu_us for case in cases)
    heads = ["", *figures, *(f"{part}, CPU us {unit}" for part in parts)]
    rows = [
        [
            case.name,
            *(number(case.figures.get(name)) for name in figures),
            *(number(case.cpu_us.get(part)) for part in parts),
        ]
        for case in cases
    ]
    return table_lines(heads, rows)


def names(maps: Iterable[dict[str, float]]) -> list[str]:
    """All keys, in the order in which they appear."""
    return list(dict.fromkeys(key for one in maps for key in one))


def number(value: float | None) -> str:
    """Three figures or more, as people read them.

    >>> [number(value) for value in (None, 12345.6, 123.4, 12.34, 0.98765, 0.0)]
    ['–', '12,346', '123', '12.3', '0.988', '0']
    """
    if value is None:
        return ABSENT
    if not value:
        return "0"
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.3g}"
