"""Open a data file as a table, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence

from model.errors import NoRowsError
from streams.datasets.files.files import DataFile, read_source
from streams.datasets.files.reading import AUTO, Reading
from streams.datasets.files.text import decode_text
from streams.datasets.tables.delimited import delimited_table
from streams.datasets.tables.field_blocks import begins_as_fields, field_table
from streams.datasets.tables.frame_table import frame_kind, frame_table
from streams.datasets.tables.joined_parts import joined
from streams.datasets.tables.json_table import begins_as_json, json_table
from streams.datasets.tables.netflix import begins_as_blocks, block_table
from streams.datasets.tables.table import Table


def open_table(spec: str, numbered: bool = False, reading: Reading = Reading()) -> Table:
    """`spec` is a file, a member of an archive (`FILE.zip:MEMBER`), or a folder of parts.

    The content tells the format. Raises `DataError`.
    """
    source = read_source(spec)
    if not source.parts:
        return _open(source.files[0], numbered, reading, ())
    tables: list[Table] = []
    parts: list[str] = []
    for part, file in zip(source.parts, source.files, strict=True):
        try:
            tables.append(_open(file, numbered, reading, tables[0].columns if tables else ()))
        except NoRowsError:  # engines write a part for each task, with or without rows
            continue
        parts.append(part)
    if not tables:
        raise NoRowsError(f"{source.name} has {len(source.parts)} parts, none of them with rows")
    return joined(source._replace(parts=parts), tables)


def _open(file: DataFile, numbered: bool, reading: Reading, columns: Sequence[str]) -> Table:
    """`columns`: those of the first part, if this is a further part."""
    name, content = file
    kind = frame_kind(content)
    if kind is not None:
        return frame_table(name, content, kind)
    text, notes = decode_text(name, content, reading.encoding)
    if reading.separator == AUTO and begins_as_json(text):
        return json_table(name, text, numbered, notes)
    if reading.separator == AUTO and begins_as_blocks(text):
        return block_table(name, text, numbered, notes)
    if reading.separator == AUTO and begins_as_fields(text):
        return field_table(name, text, numbered, notes)
    return delimited_table(name, text, numbered, notes, reading, columns)
