"""The stream: which user did what with which item, and when; in time order. A seeded hash breaks ties."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import DataError
from streams.datasets.columns.actions import read_actions
from streams.datasets.columns.cell_rules import AUTO, CellRules
from streams.datasets.columns.cells import SHORT_MAX, TEXT_MAX, as_text, shown
from streams.datasets.columns.id_columns import (
    dominant_note,
    nothing_note,
    one_each,
    read_ids,
    text_notes,
)
from streams.datasets.columns.ids import id_flaw
from streams.datasets.columns.ratings import Ratings, read_ratings, scaled
from streams.datasets.columns.times import MISSING, implausible, read_times, span
from streams.datasets.impressions import Shown, Slate, attached
from streams.datasets.interaction_rows import Events, Flaw, Rows, events_of, flaws_of, gathered
from streams.datasets.mapping import ColumnMap, described
from streams.datasets.tables.bad_rows import BadRows
from streams.datasets.tables.table import Table

TEXTS = ("text", "title", "action", "query")


@dataclass(frozen=True)
class Interactions:
    """Columns of equal length, sorted by time.

    `ts_ms` int64; `rating` float32 on the scale 1 to 5, NaN for none; `text`, `title`, `action` and `query`
    (the user's search) are None if the file has no such column. `action` holds the wire's names
    (`model.actions.ActionName`). `slate`: the slate on which an event is a click, "" for none; `shown`:
    the slates that the user saw just before each event; both are None if the file has no impressions.
    `shown_fields`: the names of the numbers that are told of each place of a slate.
    """

    user: list[str]
    item: list[str]
    ts_ms: NDArray[np.int64]
    rating: NDArray[np.float32]
    text: list[str] | None = None
    title: list[str] | None = None
    action: list[str] | None = None
    query: list[str] | None = None
    slate: list[str] | None = None
    shown: list[tuple[Shown, ...]] | None = None
    shown_fields: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.user)

    def take(self, order: NDArray[np.intp]) -> Interactions:
        """The rows at `order`."""

        def pick(column: list[str] | None) -> list[str] | None:
            return None if column is None else [column[i] for i in order]

        return Interactions(
            [self.user[i] for i in order],
            [self.item[i] for i in order],
            self.ts_ms[order],
            self.rating[order],
            pick(self.text),
            pick(self.title),
            pick(self.action),
            pick(self.query),
            pick(self.slate),
            None if self.shown is None else [self.shown[i] for i in order],
            self.shown_fields,
        )


class ReadInteractions(NamedTuple):
    """The stream, and notes on what the reader assumed."""

    interactions: Interactions
    notes: tuple[str, ...]


def tie_hash(seed: int, user: str, item: str) -> int:
    """Orders the rows of one time: a hash of (seed, user, item), never the id itself.

    If item ids ordered a tie, a model would learn that the next id is larger.
    """
    digest = hashlib.blake2b(f"{seed}|{user}|{item}".encode(errors="surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def in_time_order(interactions: Interactions, seed: int) -> Interactions:
    """Sorted by time, then by `tie_hash`, then by the file's order (for the same pair twice in one tie)."""
    pairs = zip(interactions.user, interactions.item, strict=True)
    hashes = np.fromiter((tie_hash(seed, user, item) for user, item in pairs), np.uint64, len(interactions))
    return interactions.take(np.lexsort((hashes, interactions.ts_ms)))


def read_interactions(
    table: Table,
    mapping: ColumnMap,
    seed: int,
    bad: BadRows,
    reading: CellRules = AUTO,
    now_ms: int | None = None,
) -> ReadInteractions:
    """Read the stream; raises `DataError` if a column is missing, most rows are bad, or a reading stays in
    doubt. `now_ms`: later times lie in the future.
    """
    columns = mapping.columns("interactions", table)
    rows = gathered(table, columns, bad, reading)
    users = read_ids("user", rows.cells["user"], reading)
    events = events_of(table, columns, rows, reading)
    flaws = flaws_of(rows, users.ids, events)
    for row in one_each(table.name, "user", rows.cells["user"], reading):
        flaws[row] = flaws[row] or Flaw(f"several users in one cell: {shown(rows.cells['user'][row])}")
    whole = np.array([flaw is None for flaw in flaws], bool)
    asked = np.flatnonzero(whole)
    times = read_times([rows.cells["ts"][row] for row in asked], reading.times)
    ts_ms = np.full(len(flaws), MISSING)
    ts_ms[asked] = times.ms
    for row, missing, outside in zip(asked.tolist(), times.ms == MISSING, times.outside, strict=True):
        if missing:
            problem = "lies outside the years 1970 to 9999" if outside else f"is no time ({times.notation})"
            flaws[row] = Flaw(f"{shown(rows.cells['ts'][row])} {problem}")
    ratings = [_ratings(column, whole, flaws, reading) for column in rows.ratings]
    for row, flaw in enumerate(flaws):
        if flaw is not None:
            bad.add(table.name, rows.line[row], flaw.reason, flaw.lacking)
    keep = np.array([flaw is None for flaw in flaws], bool)
    if 2 * int((times.ms == MISSING).sum()) > len(asked):
        advice = (
            "--times sets the notation of times, as in --times '%d.%m.%Y %H:%M'; --map ts=COLUMN their column"
        )
        bad.refuse_if_most(table.name, int(keep.sum()), advice)
    bad.refuse_if_most(table.name, int(keep.sum()))
    kept = ts_ms[keep]
    rating, scales = _stars(ratings, keep, reading)
    at = [k for k, row in enumerate(events.rows) if keep[row] and not id_flaw("item", events.items[k])]
    if not at and events.slates:
        raise DataError(f"{table.name}: {'; '.join(events.notes)}. A model learns clicks, so some are needed")
    at, passed = _acted(rows, events, at, reading)
    action, unknown = read_actions(_texts("action", rows, events, at, reading), reading.actions)
    if action is None and events.slates is not None:
        action = ["click"] * len(at)
    row_of = [events.rows[k] for k in at]
    read = Interactions(
        [users.ids[row] for row in row_of],
        [events.items[k] for k in at],
        ts_ms[row_of],
        rating[row_of],
        _texts("text", rows, events, at, reading),
        _texts("title", rows, events, at, reading),
        action,
        _texts("query", rows, events, at, reading),
        None if events.slates is None else [events.slate_of[k] for k in at],
        shown_fields=events.told,
    )
    ordered = in_time_order(read, seed)
    late = ""
    if events.slates is not None:
        slates = [slate for slate in events.slates if keep[slate.row]]
        ordered, late = _with_slates(ordered, slates, users.ids, ts_ms)
    assumed = (
        described(columns),
        f"times read as {times.notation}" + (f", {span(kept)}" if len(kept) else ""),
        times.doubt,
        implausible(kept, now_ms if now_ms is not None else time.time_ns() // 1_000_000),
        nothing_note("user", users.spelled, len(flaws)),
        dominant_note(ordered.user),
        *users.notes,
        *events.notes,
        late,
        *scales,
        unknown,
        passed,
        *(
            note
            for name in TEXTS
            if name in rows.cells
            for note in text_notes(rows.cells[name], name, reading)
        ),
    )
    notes = (*table.notes, *(f"{table.name}: {part}" for part in assumed if part))
    return ReadInteractions(ordered, notes)


def _ratings(
    column: list[Any], whole: NDArray[np.bool_], flaws: list[Flaw | None], reading: CellRules
) -> Ratings:
    """The ratings of a column, by a rule that the `whole` rows decide; adds to `flaws`."""
    asked = np.flatnonzero(whole)
    found = read_ratings([column[row] for row in asked], reading)
    values, flawed = np.full(len(column), np.nan), np.zeros(len(column), bool)
    values[asked], flawed[asked] = found.values, found.flawed
    for row in np.flatnonzero(flawed):
        flaws[row] = flaws[row] or Flaw(f"{shown(column[row])} can't be used as a rating")
    return found._replace(values=values, flawed=flawed)


def _stars(
    columns: list[Ratings], keep: NDArray[np.bool_], reading: CellRules
) -> tuple[NDArray[np.float32], list[str]]:
    """The mean of all columns of ratings, each on the scale 1 to 5, and notes on them."""
    read = [scaled(column, keep, reading.scale) for column in columns]
    notes = [note for column, (_, note) in zip(columns, read, strict=True) for note in (*column.notes, note)]
    if not read:
        return np.full(len(keep), np.nan, np.float32), notes
    stars = np.stack([each for each, _ in read])
    there = np.isfinite(stars)
    if len(read) > 1:
        notes.append(f"the rating is the mean of {len(read)} columns")
    total = np.where(there, stars, 0.0).sum(axis=0, dtype=np.float32)
    with np.errstate(invalid="ignore"):
        return np.where(there.any(axis=0), total / there.sum(axis=0), np.nan).astype(np.float32), notes


def _texts(name: str, rows: Rows, events: Events, at: list[int], reading: CellRules) -> list[str] | None:
    if name not in rows.cells:
        return None
    limit = TEXT_MAX if name == "text" else SHORT_MAX
    cells = rows.cells[name]
    return [as_text(cells[events.rows[k]], limit, reading.missing) for k in at]


def _acted(rows: Rows, events: Events, at: list[int], reading: CellRules) -> tuple[list[int], str]:
    """The events whose action is one, and a note on the others and on words that do not occur."""
    words = _texts("action", rows, events, at, reading)
    if not reading.actions:
        return at, ""
    if words is None:
        raise DataError("--actions: the interactions have no column of actions; --map action=COLUMN names it")
    if strange := [word for word in reading.actions if word not in words]:
        raise DataError(
            f"--actions {strange[0]}={reading.actions[strange[0]]}: no row has this action; it has: "
            + ", ".join(word for word, _ in Counter(words).most_common(20))
        )
    left = [k for k, word in zip(at, words, strict=True) if reading.actions.get(word) != ""]
    out = len(at) - len(left)
    return left, f"{out} rows are no events, as their action says (--actions)" if out else ""


def _with_slates(
    ordered: Interactions, slates: list[Slate], users: list[str], ts_ms: NDArray[np.int64]
) -> tuple[Interactions, str]:
    """The stream with the slates before each event, and a note on the slates after the last one."""
    first_click: dict[str, int] = {}
    for k, slate_id in enumerate(ordered.slate or []):
        if slate_id:
            first_click.setdefault(slate_id, k)
    shown_before, late = attached(slates, users, ts_ms, first_click, ordered.ts_ms)
    note = f"{late} impressions come after the last click: left out" if late else ""
    return replace(ordered, shown=shown_before), note
