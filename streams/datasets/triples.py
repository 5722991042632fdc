"""A knowledge graph from files: triples, and the item of each of their entities.

The reader finds columns by name (RecBole's `head_id:token` among others), else it takes the first ones: head,
relation, tail; item, entity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from model.errors import DataError
from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.cells import SHORT_MAX, as_text, is_absent
from streams.datasets.columns.ids import as_id, id_flaw
from streams.datasets.files.reading import Reading, Readings
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.column_names import COMMON_NAMES, is_known, plain
from streams.datasets.tables.table import Table
from streams.datasets.tables.tables import open_table
from streams.settings.ranking import GraphSettings
from streams.state.knowledge_graph import Graph, Triple, build

TRIPLE_COLUMNS = {
    "head": ("headid", "head", "subject", "subjectid", "source", "h"),
    "relation": ("relationid", "relation", "predicate", "rel", "r"),
    "tail": ("tailid", "tail", "object", "objectid", "target", "t"),
}
NAME_COLUMNS = {
    "head": ("headname", "headlabel", "subjectname", "subjectlabel"),
    "tail": ("tailname", "taillabel", "objectname", "objectlabel"),
}
LINK_COLUMNS = {
    "item": COMMON_NAMES["interactions"]["item"],
    "entity": ("entityid", "entity", "freebaseid", "wikidataid", "kgid", "node"),
}

Columns = Mapping[str, tuple[str, ...]]


class ReadGraph(NamedTuple):
    """`notes`: what the reader assumed, for people. `bad`: the rows that it left out."""

    graph: Graph
    notes: tuple[str, ...]
    bad: BadRows


def read_graph(
    settings: GraphSettings, reading: Readings = Readings(), rules: CellRules = AUTO
) -> ReadGraph | None:
    """The graph that the settings name, None if they name none. `rules`: how to read ids.

    Raises `DataError` if the reader can't read a file, most of its rows are bad, or no triple touches an
    item.
    """
    if not settings.triples:
        if settings.links:
            raise DataError(
                f"graph.links is {settings.links}, but there are no triples; name graph.triples too (--graph)"
            )
        return None
    bad = BadRows()
    links, triples_are = reading.of("links"), reading.of("graph")
    items, notes = (None, ()) if not settings.links else _read_links(settings.links, bad, links, rules)
    triples, names, reader_notes = _read_triples(settings.triples, bad, triples_are, rules)
    graph = build(triples, items, names, settings.hub_items)
    if not len(graph.neighbour):
        raise DataError(
            f"{settings.triples}: none of its {len(triples)} triples touches an entity of {settings.links}; "
            f"expected the same ids in both: head and tail here, the entity column there"
        )
    known = len(graph.nodes) if items is not None else len(graph.weight)
    note = f"knowledge graph: {len(graph.neighbour) // 2} links, {known} " + (
        "items linked" if items is not None else "nodes, each an item where the stream has its id"
    )
    return ReadGraph(graph, (*notes, *reader_notes, note), bad)


def _read_triples(
    spec: str, bad: BadRows, reading: Reading, rules: CellRules
) -> tuple[list[Triple], dict[str, str], tuple[str, ...]]:
    table, columns = _table(spec, TRIPLE_COLUMNS, reading)
    named = {end: _find(NAME_COLUMNS[end], table) for end in NAME_COLUMNS}
    ends = [end for end, column in named.items() if column is not None]
    wanted = [*columns.values(), *(column for column in named.values() if column is not None)]
    triples: list[Triple] = []
    names: dict[str, str] = {}
    for cells in _good_rows(table, wanted, list(columns), bad, rules):
        triples.append(Triple(*(as_id(cell, rules.ids) for cell in cells[:3])))
        for end, cell in zip(ends, cells[3:], strict=True):
            if not is_absent(cell):
                names[getattr(triples[-1], end)] = as_text(cell, SHORT_MAX)
    return triples, names, (*table.notes, _described(table, columns))


def _read_links(
    spec: str, bad: BadRows, reading: Reading, rules: CellRules
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Item ids by entity; a second item for one entity is a bad row."""
    table, columns = _table(spec, LINK_COLUMNS, reading)
    items: dict[str, str] = {}
    rows = table.rows(list(columns.values()), bad)
    for line, cells in rows:
        item_id, entity = (_id(cell, rules) for cell in cells)
        flaw = id_flaw("item", item_id) or id_flaw("entity", entity)
        if not flaw and items.get(entity, item_id) != item_id:
            flaw = f"entity {entity!r} is item {items[entity]!r} already"
        if flaw:
            bad.add(table.name, line, flaw)
        else:
            items[entity] = item_id
    bad.refuse_if_most(table.name, len(items))
    return items, (*table.notes, _described(table, columns))


def _good_rows(
    table: Table, wanted: Sequence[str], fields: Sequence[str], bad: BadRows, rules: CellRules
) -> Iterator[list[object]]:
    """The cells of rows whose first cells, named by `fields`, are ids."""
    good = 0
    for line, cells in table.rows(wanted, bad):
        flaws = [id_flaw(name, _id(cell, rules)) for name, cell in zip(fields, cells, strict=False)]
        if flaw := next(filter(None, flaws), None):
            bad.add(table.name, line, flaw)
        else:
            good += 1
            yield cells
    bad.refuse_if_most(table.name, good)


def _id(cell: object, rules: CellRules) -> str:
    return "" if is_absent(cell, rules.missing) else as_id(cell, rules.ids)


def _table(spec: str, known: Columns, reading: Reading) -> tuple[Table, dict[str, str]]:
    """The file, and its column for each field; by number if its first line names none of them."""
    table = open_table(spec, reading=reading)
    found = {field: _find(names, table) for field, names in known.items()}
    header = bool(table.types) or any(is_known(column) for column in table.columns)
    if not any(found.values()) and not header:
        table = open_table(spec, numbered=True, reading=reading)
        found = {field: str(k) for k, field in enumerate(known, 1) if str(k) in table.columns}
    columns = {field: column for field, column in found.items() if column is not None}
    if missing := [field for field in known if field not in columns]:
        raise DataError(
            f"{table.name}: no column found for {', '.join(missing)}; "
            f"it has: {', '.join(table.columns[:40])}. "
            f"Expected columns {', '.join(known)}, by these names, or without a header in this order"
        )
    return table, columns


def _find(names: Sequence[str], table: Table) -> str | None:
    by_plain = {plain(column): column for column in reversed(table.columns)}
    return next((by_plain[name] for name in names if name in by_plain), None)


def _described(table: Table, columns: Mapping[str, str]) -> str:
    return f"{table.name}: " + ", ".join(f"{field}={column}" for field, column in columns.items())
