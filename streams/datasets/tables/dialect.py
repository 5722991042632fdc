"""How a delimited file separates its fields: its first rows tell, and for quotes the whole file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from model.errors import DataError
from streams.datasets.files.reading import AUTO, Reading
from streams.datasets.tables.quoting import SPACES, Dialect, Split, split, split_by_field
from streams.datasets.tables.records import LOOK_LINES, Records, trim
from streams.datasets.tables.row_shape import MOST, RowShape, shape_of

DELIMITERS = ("\t", ",", ";", "|", "::", "\x01")
NAMES = {
    "\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", "\x01": "\\x01", SPACES: "white space",
}  # fmt: skip
SAMPLE_LINES = 200
# How many lines with a backslash the code looks at, to find out whether it escapes.
ESCAPE_LINES = 1_000
# White space separates only if it gives rows of one width.
SPACES_FIT = 0.9
# The code prefers the first line's own separator if at least this share of rows fits it.
OWN_FIT = 0.5


class Layout(NamedTuple):
    """`start`: the line at which the table begins; `span`: the number of lines of its first row; `first`:
    that row's fields.

    `shape`: of the rows. `row_names`: each row has one field more than the header, at its beginning.
    """

    dialect: Dialect
    start: int
    span: int
    first: list[str]
    shape: RowShape
    row_names: bool = False


class _Tried(NamedTuple):
    fit: float
    layout: Layout
    titled: bool

    @property
    def guessed(self) -> bool:
        """Whether the first line does not tell the width of the rows."""
        return self.titled or self.layout.row_names


def find_layout(name: str, lines: Sequence[str], start: int, reading: Reading, comment: str) -> Layout:
    """The layout in which most of the first rows are of one width; more columns win a tie, then `::`.

    `start`: the first line behind the preamble. Raises `DataError` if there are no columns.
    """
    sample = [
        line for line in lines[start : start + SAMPLE_LINES] if not comment or not line.startswith(comment)
    ]
    asked = reading.separator
    tried = [
        each
        for delimiter in (DELIMITERS if asked == AUTO else (asked,))
        for dialect in _dialects(delimiter, sample, reading)
        if (each := _try(sample, dialect)) is not None
    ]
    if asked == AUTO and not any(each.fit >= (SPACES_FIT if each.titled else OWN_FIT) for each in tried):
        spaced = _try(sample, Dialect(SPACES, "" if reading.quotes == "none" else '"'))
        if (
            spaced is not None
            and not spaced.titled
            and spaced.fit >= SPACES_FIT
            and spaced.layout.shape.telling
        ):
            tried = [spaced]
    if not tried:
        known = ", ".join([*(NAMES.get(each, each) for each in DELIMITERS[:-1]), NAMES[SPACES]])
        raise DataError(
            f"{name}: no columns found; expected JSON, Parquet, or fields split by one of: {known}. "
            f"Name another separator with --separator"
        )
    # The code takes another width than the first line's only if the first line's width does not fit.
    own = [each for each in tried if not each.guessed and each.fit >= OWN_FIT]
    best = max(
        own or tried,
        key=lambda each: (each.fit, each.layout.shape.width, each.layout.dialect.delimiter == "::"),
    )
    best = _single_quotes(sample, best, reading)
    begin = start + lines[start:].index(sample[best.layout.start]) if best.layout.start else start
    found = best.layout._replace(start=begin)
    if reading.quotes == "auto" and _escapes(lines, found):
        found = found._replace(dialect=found.dialect._replace(escape=True))
    return found


def _dialects(delimiter: str, sample: Sequence[str], reading: Reading) -> Iterator[Dialect]:
    """The dialects that are possible with this delimiter."""
    if reading.quotes == "none" or (reading.quotes == "auto" and delimiter == "::"):
        yield Dialect(delimiter, "")
        return
    plain = Dialect(delimiter, escape=reading.quotes == "backslash", trust=reading.quotes == "standard")
    yield plain
    if reading.quotes == "auto" and any('\\"' in line for line in sample):
        yield plain._replace(escape=True)
    if delimiter != SPACES and any(f'{delimiter} "' in line for line in sample):
        yield plain._replace(padded=True)


def _try(sample: Sequence[str], dialect: Dialect) -> _Tried | None:
    """The sample in this dialect: the share of its rows that have one width; None without two columns."""
    written = [place for place, line in enumerate(sample) if line.strip()]
    singles = {place: split(sample[place].rstrip("\r\n"), dialect) for place in written}
    if not written:
        return None
    begin = written[0]
    header, after = _first_fields(sample, begin, dialect)
    usual = Counter(len(each.fields) for each in list(singles.values())[1:] if not each.open).most_common(1)
    width = usual[0][0] if usual else len(header)
    titled = len(header) < 2 <= width
    if titled:  # lines before the table: a title, a date
        begin = next(place for place in written if len(singles[place].fields) == width)
        header, after = singles[begin].fields, begin + 1
    while len(header) > 2 and not header[-1].strip():
        header = header[:-1]
    if len(header) < 2:
        return None
    own = _fit(sample, after, dialect, len(header), singles)
    best = _Tried(own[0], Layout(dialect, begin, after - begin, header, own[1]), titled)
    if width == len(header) + 1 and own[0] < 0.5:
        other = _fit(sample, after, dialect, width, singles)
        if other[0] >= SPACES_FIT:
            best = _Tried(
                other[0], Layout(dialect, begin, after - begin, header, other[1], row_names=True), titled
            )
    return best


def _first_fields(sample: Sequence[str], place: int, dialect: Dialect) -> tuple[list[str], int]:
    """The fields of the first line, and the place after it; a header may hold quoted line ends."""
    for end in range(place + 1, min(len(sample), place + 10) + 1):
        whole = split("".join(sample[place:end]).rstrip("\r\n"), dialect)
        if not whole.open:
            return whole.fields, end
    return split_by_field(sample[place].rstrip("\r\n"), dialect), place + 1


def _fit(
    sample: Sequence[str], start: int, dialect: Dialect, width: int, singles: Mapping[int, Split]
) -> tuple[float, RowShape]:
    careful = [place for place, each in singles.items() if place >= start and each.clean and not each.open]
    rows = {place: trim(singles[place].fields, width) for place in careful}
    shape = shape_of(rows.values(), width)
    begins = [sample[place].startswith(dialect.quote) for place, row in rows.items() if len(row) == width]
    if dialect.quote and begins and sum(begins) >= MOST * len(begins):
        shape = shape._replace(opens=dialect.quote)
    fits = [record.flaw is None for record in Records(sample, dialect, shape).read(start)]
    return (sum(fits) + 1) / (len(fits) + 1), shape


def _single_quotes(sample: Sequence[str], best: _Tried, reading: Reading) -> _Tried:
    """The same layout with ' for quotes, if that gives more rows or a column has ' around every cell."""
    dialect = best.layout.dialect
    begins, ends = f"{dialect.delimiter}'", f"'{dialect.delimiter}"
    quoted = any(line.startswith("'") or begins in line for line in sample)
    quoted &= not any(line.startswith('"') or begins.replace("'", '"') in line for line in sample)
    if reading.quotes != "auto" or not dialect.quote or dialect.delimiter == SPACES or not quoted:
        return best
    other = _try(sample, dialect._replace(quote="'"))
    if other is None or other.fit < best.fit:
        return best
    if other.fit == best.fit and other.layout.shape.width < best.layout.shape.width:
        return best
    rows = [line.rstrip("\r\n").split(dialect.delimiter) for line in sample[best.layout.start + 1 :]]
    columns = zip(*(row for row in rows if len(row) == best.layout.shape.width), strict=True)
    whole = any(len(column) > 1 and all(_in_single_quotes(cell) for cell in column) for column in columns)
    held = any(ends in line or line.rstrip("\r\n").endswith("'") for line in sample)
    return other if whole or (other.fit > best.fit and held) else best


def _in_single_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell.startswith("'") and cell.endswith("'")


def _escapes(lines: Sequence[str], layout: Layout) -> bool:
    """Whether a backslash escapes: then more lines are careful rows with escapes than without."""
    plain = layout.dialect
    marks = tuple("\\" + mark for mark in (plain.quote, plain.delimiter) if mark)
    marked = [
        place
        for place, line in enumerate(lines)
        if "\\" in line and (line.rstrip("\r\n").endswith("\\") or any(mark in line for mark in marks))
    ][:ESCAPE_LINES]
    if not marked:
        return False
    # Start at a row's begin, if the first such lines are near the table's begin.
    begin = (
        layout.start + layout.span if marked[0] < ESCAPE_LINES else max(layout.start, marked[0] - LOOK_LINES)
    )
    part = lines[begin : marked[0] + ESCAPE_LINES]
    return _explained(lines, part, marked, plain._replace(escape=True), layout.shape) > _explained(
        lines, part, marked, plain, layout.shape
    )


def _explained(
    lines: Sequence[str], part: Sequence[str], marked: Sequence[int], dialect: Dialect, shape: RowShape
) -> int:
    """In a part of the file: rows minus lines that are no rows, and the marked lines that are careful."""
    found = [record.flaw is None for record in Records(part, dialect, shape).read()]
    careful = sum(_careful(lines[place].rstrip("\r\n"), dialect, shape.width) for place in marked)
    return 2 * sum(found) - len(found) + careful


def _careful(text: str, dialect: Dialect, width: int) -> bool:
    found = split(text, dialect)
    return not found.open and found.clean and len(trim(found.fields, width)) == width
