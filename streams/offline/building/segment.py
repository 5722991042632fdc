"""A segment: one piece of the stream with all that its examples depend on, as one file.

An example depends on the whole past through the counters, the catalog and its user's state. These are a fold:
as they stand when the piece begins, they hold everything before it. So any machine can build the piece at any
time into the same examples, bit for bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import DataError, StoreError
from streams.counters.snapshot import pack_counters, restore_counters
from streams.datasets.impressions import Shown
from streams.datasets.interactions import Interactions
from streams.learning import kept_slates_codec
from streams.offline.building.work_pieces import WorkPiece
from streams.offline.stream_driver import Prequential, Stream
from streams.recommender import Recommender
from streams.settings.tree import Settings, written
from streams.state import user_state_codec
from streams.state.catalog import Catalog
from streams.state.event_meaning import texts_of
from streams.state.knowledge_graph import Graph

VERSION = 3
NAMES = ("user", "item", "text", "title", "action", "query", "slate")
CATALOG_COLUMNS = ("text", "attributes", "own_text", "reviews", "available", "added_ms", "announced_ms")


class _Column(msgspec.Struct, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: bytes


class _Segment(msgspec.Struct):
    piece: WorkPiece
    settings: dict[str, Any]
    counters: bytes
    items: list[str]
    catalog: dict[str, _Column]
    modalities: dict[str, _Column]
    states: dict[str, bytes]
    slates: dict[str, bytes]
    profiles: dict[str, dict[str, str]]
    names: dict[str, list[str] | None]
    ts_ms: _Column
    rating: _Column
    said: dict[str, _Column]
    shown: list[tuple[Shown, ...]] | None = None
    shown_fields: tuple[str, ...] = ()
    version: int = VERSION


def write_segment(run: Prequential, piece: WorkPiece, path: Path) -> None:
    """Write the segment of `piece`; `run` stands at its beginning."""
    part = slice(piece.begin, piece.end)
    events, catalog = run.stream.interactions, run.recommender.catalog
    users = set(events.user[part])
    shown = None if events.shown is None else events.shown[part]
    users |= {slate.user for slates in shown or [] for slate in slates}
    texts = {text for k in range(piece.begin, piece.end) for text in texts_of(run.event(k))}
    columns = {name: getattr(events, name) for name in NAMES}
    segment = _Segment(
        piece=piece,
        settings=written(run.recommender.settings),
        counters=pack_counters(run.recommender.counters),
        items=catalog.ids,
        catalog={name: _packed(getattr(catalog, name)[: len(catalog)]) for name in CATALOG_COLUMNS},
        modalities={name: _packed(each[: len(catalog)]) for name, each in catalog.modalities.items()},
        states={user: user_state_codec.encode(run.states[user]) for user in users & run.states.keys()},
        slates={user: kept_slates_codec.encode(run.slates[user]) for user in users & run.slates.keys()},
        profiles={user: dict(run.stream.profiles[user]) for user in users & run.stream.profiles.keys()},
        names={name: None if column is None else column[part] for name, column in columns.items()},
        ts_ms=_packed(events.ts_ms[part]),
        rating=_packed(events.rating[part]),
        said={text: _packed(run.stream.said[text]) for text in texts & run.stream.said.keys()},
        shown=shown,
        shown_fields=events.shown_fields,
    )
    path.write_bytes(msgspec.msgpack.encode(segment))


def read_segment(path: Path, graph: Graph | None = None) -> tuple[Prequential, WorkPiece]:
    """A run that stands where the piece begins and knows its events; `DataError` for another file.

    `graph`: the knowledge graph of the whole stream; segments do not hold it.
    """
    try:
        segment = msgspec.msgpack.decode(path.read_bytes(), type=_Segment)
        if segment.version != VERSION:
            raise ValueError(f"version {segment.version} where this build reads {VERSION}")
        return _restored(segment, graph), segment.piece
    except (OSError, ValueError, KeyError, TypeError, StoreError) as error:
        raise DataError(f"{path}: expected a segment of this build ({error}); cut the stream anew") from None


def _restored(segment: _Segment, graph: Graph | None) -> Prequential:
    recommender = Recommender(msgspec.convert(segment.settings, Settings), graph)
    _fill(recommender.catalog, segment)
    recommender.pipeline.grow()
    restore_counters(recommender.counters, segment.counters)
    user, item = segment.names["user"], segment.names["item"]
    if user is None or item is None:
        raise ValueError("it names no users or items")
    further = {name: segment.names[name] for name in NAMES[2:]}
    events = Interactions(
        user,
        item,
        _array(segment.ts_ms),
        _array(segment.rating),
        **further,
        shown=segment.shown,
        shown_fields=segment.shown_fields,
    )
    stream = Stream(
        events,
        {text: _array(vector) for text, vector in segment.said.items()},
        segment.profiles,
    )
    run = Prequential(recommender, stream, first=segment.piece.begin)
    run.states = {name: user_state_codec.decode(raw) for name, raw in segment.states.items()}
    run.slates = {name: kept_slates_codec.decode(raw) for name, raw in segment.slates.items()}
    return run


def _fill(catalog: Catalog, segment: _Segment) -> None:
    catalog.ids = segment.items
    catalog.rows = {item_id: row for row, item_id in enumerate(segment.items)}
    for name in CATALOG_COLUMNS:
        setattr(catalog, name, _array(segment.catalog[name]))
    catalog.modalities = {name: _array(column) for name, column in segment.modalities.items()}
    catalog.revise_all()


def _packed(values: NDArray[Any]) -> _Column:
    return _Column(values.dtype.str, values.shape, values.tobytes())


def _array(column: _Column) -> NDArray[Any]:
    return np.frombuffer(column.data, np.dtype(column.dtype)).reshape(column.shape).copy()
