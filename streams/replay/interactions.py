"""The stream: who did what with which item, when; in time order, ties broken by a seeded hash."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import HIGHEST_RATING, LOWEST_RATING
from streams.replay.bad_rows import BadRows
from streams.replay.cells import SHORT_MAX, as_id, as_text, id_flaw, is_absent
from streams.replay.mapping import ColumnMap, Columns, described
from streams.replay.table import Table
from streams.replay.times import MISSING, as_numbers, read_times

# A rating this many times what 99.9% stay below is a slip of the pen; it must not stretch the scale for all.
SLIP, USUAL_PERCENT = 10.0, 99.9

ACTIONS = {
    "view": "view pv pageview detail impression visit open",
    "click": "click clicked clickout select tap",
    "cart": "cart addtocart addcart basket",
    "purchase": "purchase buy bought order transaction checkout conversion",
    "play": "play listen watch stream",
    "like": "like fav favorite favourite collect thumbsup upvote bookmark save",
    "skip": "skip dislike thumbsdown downvote hide",
}
_ACTION = {word: action for action, words in ACTIONS.items() for word in words.split()}


@dataclass(frozen=True)
class Interactions:
    """Columns of equal length, sorted by time.

    `ts_ms` int64; `rating` float32 on the scale 1 to 5, NaN where there is none; `text`, `title`, `action`
    and `query` (what the user had searched for) are None where the file has no such column. `action` holds
    the wire's names (`streams.events.Action`).
    """

    user: list[str]
    item: list[str]
    ts_ms: NDArray[np.int64]
    rating: NDArray[np.float32]
    text: list[str] | None = None
    title: list[str] | None = None
    action: list[str] | None = None
    query: list[str] | None = None

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
        )


class ReadInteractions(NamedTuple):
    """The stream, and what was assumed to read it."""

    interactions: Interactions
    notes: tuple[str, ...]


def tie_hash(seed: int, user: str, item: str) -> int:
    """Where a row stands among those of its time: a hash of (seed, user, item), never the id itself.

    Sorted by item id inside a tie, a model would learn that the next id is larger.
    """
    digest = hashlib.blake2b(f"{seed}|{user}|{item}".encode(errors="surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def in_time_order(interactions: Interactions, seed: int) -> Interactions:
    """Sorted by time, ties by `tie_hash`, then as in the file (the same pair twice in one tie)."""
    pairs = zip(interactions.user, interactions.item, strict=True)
    hashes = np.fromiter((tie_hash(seed, user, item) for user, item in pairs), np.uint64, len(interactions))
    return interactions.take(np.lexsort((hashes, interactions.ts_ms)))


def read_interactions(table: Table, mapping: ColumnMap, seed: int, bad: BadRows) -> ReadInteractions:
    """Read the stream; raises `DataError` where a column is missing or most rows are bad."""
    columns = mapping.columns("interactions", table)
    raw = _collect(table, columns, bad)
    times = read_times(raw.ts)
    ratings, slips = _numbers(raw.rating, len(raw.user))
    keep = np.ones(len(raw.user), bool)
    for place in np.flatnonzero((times.ms == MISSING) | slips):
        keep[place] = False
        unread = times.ms[place] == MISSING
        value = raw.ts[place] if unread else raw.rating[place]
        problem = f"is no time ({times.notation})" if unread else "can't be used as a rating"
        bad.add(table.name, raw.line[place], f"{_shown(value)} {problem}")
    bad.refuse_if_most(table.name, int(keep.sum()))
    scaled, note = _rescale(ratings, keep)
    action, unknown = _actions(raw.action)
    read = Interactions(raw.user, raw.item, times.ms, scaled, raw.text, raw.title, action, raw.query)
    ordered = in_time_order(read.take(np.flatnonzero(keep)), seed)
    said = (described(columns), f"times read as {times.notation}", note, unknown)
    notes = (*table.notes, *(f"{table.name}: {part}" for part in said if part))
    return ReadInteractions(ordered, notes)


@dataclass
class _Raw:
    line: list[int]
    user: list[str]
    item: list[str]
    ts: list[Any]
    rating: list[Any]
    text: list[str] | None
    title: list[str] | None
    action: list[str] | None
    query: list[str] | None


def _collect(table: Table, columns: Columns, bad: BadRows) -> _Raw:
    """The cells of the rows that have both ids; equal ids share one string."""
    fields = [name for name in columns for _ in columns[name]]
    place = {name: fields.index(name) for name in columns}
    count = {name: len(columns[name]) for name in columns}
    texts: dict[str, list[str]] = {
        name: [] for name in ("text", "title", "action", "query") if name in columns
    }
    raw = _Raw(
        [], [], [], [], [], texts.get("text"), texts.get("title"), texts.get("action"), texts.get("query")
    )
    same: dict[str, str] = {}
    rating_at = place.get("rating")
    for line, cells in table.rows([column for name in columns for column in columns[name]], bad):
        user, item = as_id(cells[place["user"]]), as_id(cells[place["item"]])
        ts = cells[place["ts"]]
        flaw = id_flaw("user", user) or id_flaw("item", item) or ("no ts" if is_absent(ts) else None)
        if flaw:
            bad.add(table.name, line, flaw)
            continue
        raw.line.append(line)
        raw.user.append(same.setdefault(user, user))
        raw.item.append(same.setdefault(item, item))
        raw.ts.append(ts)
        if rating_at is not None:
            raw.rating.append(cells[rating_at])
        for name, values in texts.items():
            found = cells[place[name] : place[name] + count[name]]
            values.append(_joined(name, found))
    return raw


def _joined(name: str, cells: Iterable[Any]) -> str:
    text = "\n\n".join(filter(None, map(as_text, cells)))
    return text if name == "text" else text[:SHORT_MAX]


def _numbers(cells: list[Any], rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Ratings (NaN: none), and which cells hold something that is no usable rating."""
    if not cells:
        return np.full(rows, np.nan), np.zeros(rows, bool)
    values = as_numbers(cells)
    flawed = np.isinf(values)
    for place in np.flatnonzero(np.isnan(values)):
        flawed[place] = not is_absent(cells[place])
    finite = values[np.isfinite(values)]
    if len(finite):
        usual = float(np.percentile(np.abs(finite), USUAL_PERCENT, method="lower"))
        flawed |= np.abs(np.nan_to_num(values)) > SLIP * max(usual, HIGHEST_RATING)
    return values, flawed


def _rescale(ratings: NDArray[np.float64], keep: NDArray[np.bool_]) -> tuple[NDArray[np.float32], str]:
    """On the scale 1 to 5: as they are where all lie in it, else stretched from their own range."""
    known = ratings[keep & np.isfinite(ratings)]
    if not len(known) or (known.min() >= LOWEST_RATING and known.max() <= HIGHEST_RATING):
        return ratings.astype(np.float32), ""
    low, high = float(known.min()), float(known.max())
    if low == high:
        return np.full(len(ratings), np.nan, np.float32), f"every rating is {low:g}: left out"
    scaled = LOWEST_RATING + (ratings - low) * ((HIGHEST_RATING - LOWEST_RATING) / (high - low))
    return scaled.astype(np.float32), f"ratings rescaled linearly from {low:g}..{high:g} to 1..5"


def _actions(raw: list[str] | None) -> tuple[list[str] | None, str]:
    """Actions under the wire's names; unknown ones count as clicks, said aloud."""
    if raw is None:
        return None, ""
    plain = {word: "".join(filter(str.isalnum, word.lower())) for word in set(raw)}
    named = {word: _ACTION.get(short) for word, short in plain.items()}
    unknown = Counter(word for word in raw if named[word] is None)
    note = ", ".join(f"{word or '(none)'} ({count})" for word, count in unknown.most_common(8))
    return [named[word] or "click" for word in raw], f"actions taken as clicks: {note}" if note else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
