"""Streams in which some clicks tell what was searched for, and the others come without a search of their own.

    musical    Musical Instruments. A purchase is a click; a share of them, by a hash, tells a query of the
               sort "kind" (`search_queries`): two words that the reviews of several items share. The days of
               the reviews are all that is known of times. Queries and the items' texts are of the reviews
               of the first half alone. A purchase that tells no query has an `intent`: the query that it
               would have told.
    trivago    Real searches. Of each session the first touch of a hotel after a search for a destination or
               a place tells that search; those after it tell nothing. Touches in a row of one hotel are one.
               A touch of a hotel that its session searched for by name is learned and not predicted.
               All that is known of a hotel is the city in which it was shown.

The query of a purchase is made of what was bought: it says more of it than people's own queries would.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pyarrow import parquet

from benchmarks.search_queries import TEXT_MAX, drawn, kinds_of, read_purchases
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText

PLACES = ("search for destination", "search for poi")
BY_NAME = "search for item"
TOUCHES = (
    "clickout item", "interaction item image", "interaction item info", "interaction item rating",
    "interaction item deals",
)  # fmt: skip
SHOWN = ("session_id", "user_id", "timestamp", "step", "action_type", "reference", "city", "impressions")


class Moment(NamedTuple):
    """One click. query: what it tells of a search; "" for nothing. alone: it came from no search of its own,
    so it is predicted. intent: a query that is told to nobody.
    """

    user: str
    item: str
    ts_ms: int
    query: str = ""
    alone: bool = False
    intent: str = ""


class SearchedStream(NamedTuple):
    """Clicks by time, and what is known of items."""

    moments: Sequence[Moment]
    texts: dict[str, str]

    def dataset(self) -> Dataset:
        """The same as the core is warmed with; row k is moment k."""
        of = self.moments
        stream = Interactions(
            [each.user for each in of],
            [each.item for each in of],
            np.array([each.ts_ms for each in of], np.int64),
            np.full(len(of), np.nan, np.float32),
            query=[each.query for each in of],
        )
        return Dataset(stream, {item: ItemText(text=text) for item, text in self.texts.items()})


def musical(path: Path, told: float) -> SearchedStream:
    """The purchases of a zip of reviews; the share `told` of them tells a query."""
    purchases = read_purchases(path)
    said = defaultdict[str, list[str]](list)
    for each in purchases[: len(purchases) // 2]:
        said[each.item].append(each.text)
    texts = {item: " ".join(its)[:TEXT_MAX] for item, its in said.items()}
    kinds, _ = kinds_of(texts)
    moments = []
    for user, item, ts_ms, _ in purchases:
        its = kinds.get(item, [])
        query = its[int(drawn(user, item) * len(its))] if its else ""
        if drawn("told", user, item) < told:
            moments.append(Moment(user, item, ts_ms, query, alone=False))
        else:
            moments.append(Moment(user, item, ts_ms, alone=True, intent=query))
    return SearchedStream(moments, texts)


def trivago(path: Path) -> SearchedStream:
    """The sessions of a Parquet file of the RecSys Challenge 2019."""
    rows = parquet.read_table(path, columns=list(SHOWN)).to_pylist()
    rows.sort(key=lambda row: (row["session_id"], int(row["step"])))
    moments: list[Moment] = []
    for _, session in groupby(rows, key=lambda row: row["session_id"]):
        moments += touches(session)
    moments.sort(key=lambda each: (each.ts_ms, drawn(each.user, each.item)))
    return SearchedStream(moments, cities(rows))


def touches(session: Iterable[dict[str, Any]]) -> Iterator[Moment]:
    """The touches of one session, in the order of its steps."""
    query, last, named = "", "", set[str]()
    for row in session:
        does, what = row["action_type"], row["reference"]
        if does in PLACES:
            query, last = what, ""
        elif does == BY_NAME:
            named.add(what)
        elif does in TOUCHES and what.isdigit() and what != last:
            alone = not query and what not in named
            yield Moment(row["user_id"], what, int(row["timestamp"]) * 1_000, query, alone)
            query, last = "", what


def cities(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Of each hotel that was shown, the city in which it was shown the most."""
    counts = defaultdict[str, Counter[str]](Counter)
    for row in rows:
        for item in (row["impressions"] or "").split("|"):
            if item:
                counts[item][row["city"]] += 1
    return {item: its.most_common(1)[0][0] for item, its in sorted(counts.items())}
