"""Blocks of lines `field: value` with a blank line between them, as SNAP writes reviews.

product/productId: B001E4KFG0
review/userId: A3SGXH7AUHU8GW
review/text: Good: it arrived.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence

from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.table import Notes, Row, Table

_FIELD = re.compile(r"([A-Za-z_][\w/.-]{0,63}):(?:[ \t]+(.*)|)")
# A file has this layout if this many of its first blocks have the same fields, more than one.
FIRST_BLOCKS, MOST = 20, 0.5
# A name in fewer blocks is not a field, but a line of a text ("Pros: cheap").
OFTEN = 0.2


def begins_as_fields(text: str) -> bool:
    """Whether a text begins with blocks that have the same fields.

    >>> begins_as_fields("a/user: 1\\na/item: 2\\n\\na/user: 3\\na/item: 4\\n")
    True
    """
    begin = text[:65_536]
    if _FIELD.fullmatch(begin.lstrip().split("\n", 1)[0].rstrip()) is None:
        return False
    found = [block for _, block, _ in _blocks(io.StringIO(begin))][: FIRST_BLOCKS + 1]
    if len(found) > 1 and len(begin) < len(text):
        found = found[:-1]  # the last one may be cut
    alike = sum(list(block) == list(found[0]) for block in found)
    return len(found) > 1 and len(found[0]) > 1 and alike >= MOST * len(found)


def field_table(name: str, text: str, numbered: bool = False, notes: Iterable[str] = ()) -> Table:
    """A table of blocks. A column's name is the part after the last `/`, if only one field has that part.

    A line without a field's name continues the text of the line before it.
    """
    noted = Notes(name, notes)
    blocks = list(_blocks(io.StringIO(text)))
    occur = Counter(field for _, block, _ in blocks for field in block)
    fields = {field: None for field, count in occur.items() if count >= OFTEN * len(blocks)}
    blocks = list(_blocks(io.StringIO(text), fields))
    ends = Counter(field.rpartition("/")[2] for field in fields)
    short = {field: field.rpartition("/")[2] for field in fields}
    names = {short[field] if ends[short[field]] == 1 else field: field for field in fields}
    columns = tuple(str(k + 1) for k in range(len(names))) if numbered else tuple(names)
    field_of = dict(zip(columns, names.values(), strict=True))
    noted.put("layout", f"blocks of lines FIELD: VALUE, read as {', '.join(names)}")

    def rows(wanted: Sequence[str], bad: BadRows) -> Iterator[Row]:
        for line, block, flaw in blocks:
            if flaw:
                bad.add(name, line, flaw)
            else:
                yield Row(line, [block.get(field_of[column]) for column in wanted])

    return Table(name, columns, rows, numbered=numbered, notes=noted)


def _blocks(
    lines: Iterable[str], known: Container[str] | None = None
) -> Iterator[tuple[int, dict[str, str], str]]:
    """The line at which each block begins, its fields, and its flaw, "" for none.

    `known`: the names of all fields; None for any.
    """
    block: dict[str, str] = {}
    begin, last, flaw = 0, "", ""
    for number, line in enumerate(lines, 1):
        plain = line.rstrip("\r\n")
        if not plain.strip():
            if block or flaw:
                yield begin, block, flaw
            block, last, flaw = {}, "", ""
            continue
        if not (block or flaw):
            begin = number
        match = _FIELD.fullmatch(plain)
        if match and match[1] not in block and (known is None or match[1] in known):
            last = match[1]
            block[last] = (match[2] or "").strip()
        elif last:
            block[last] += "\n" + plain
        else:
            flaw = "does not begin with a line FIELD: VALUE"
    if block or flaw:
        yield begin, block, flaw
