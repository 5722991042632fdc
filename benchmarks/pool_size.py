"""How many candidates have to meet the network: what is lost where the pool is smaller.

    HEADRACE_CANDIDATES__POOL=200 python -m benchmarks.pool_size --interactions FILE ... --warm .4 --until .5

A network trains on the first part of a stream (`--warm`) and ranks pools up to `--until`. Scores do not
depend on who is scored beside, so one walk says all: which part of the places of a slate is in a smaller pool
too, and NDCG@10 and HR@10 less those of the whole one, paired by event. What sources reserve is in a pool of
any size.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.machine import made
from benchmarks.walk import Walk, add_arguments, trained
from model.evaluate import Estimate, hit_rate, hit_rate_difference, ndcg, ndcg_difference
from model.schema import F32
from streams.bench.machine import command_line
from streams.ranking.draft import Draft

SIZES = (40, 60, 80, 100, 120, 160)
PACKAGES = ("headrace", "numpy", "onnxruntime", "torch")


class Event(NamedTuple):
    """One pool, its best first: scores [K], which rows sources reserve, which stand on the slate; and where
    the item stands that was met, -1 where no source found it.
    """

    score: F32
    reserved: NDArray[np.bool_]
    slate: NDArray[np.intp]
    met: int


class Line(NamedTuple):
    """Of pools of one size. kept: the part of the places of the whole pools' slates that they have."""

    size: int
    kept: float
    ndcg10: Estimate
    hr10: Estimate


def events_of(walk: Walk) -> list[Event]:
    """Those whose item may be recommended."""
    run, found = walk.fitted.run, list[Event]()
    for k in range(walk.warm, walk.until):
        draft, row = run.predict()
        state = run.state(run.stream.interactions.user[k])
        if row >= 0 and not run.recommender.met_for_good(state, row):
            found.append(event_of(draft, row))
        run.learn()
        walk.say("walking", k + 1 - walk.warm, walk.until - walk.warm)
    return found


def event_of(draft: Draft, row: int) -> Event:
    """What a draft says of the item that is met next."""
    pool, reserve = draft.placed, draft.request.plan.reserve
    ranks, at = draft.ranks[:pool], np.flatnonzero(draft.rows[:pool] == row)
    reserved = np.asarray(((ranks > 0) & (ranks <= reserve)).any(axis=1))
    return Event(draft.score[:pool].copy(), reserved, draft.order.copy(), int(at[0]) if len(at) else -1)


def smaller(event: Event, size: int) -> NDArray[np.bool_]:
    """Which candidates are in a pool of `size`: what is reserved, then the first of the pool."""
    stays = np.zeros(len(event.score), np.bool_)
    stays[np.argsort(~event.reserved, kind="stable")[:size]] = True
    return stays


def place_of(event: Event, stays: NDArray[np.bool_]) -> int:
    """The place of the met item by its score among those that stay; 0 where it does not."""
    if event.met < 0 or not stays[event.met]:
        return 0
    return int((event.score[stays] > event.score[event.met]).sum()) + 1


def places_in_whole(events: Sequence[Event]) -> list[int]:
    """The places of the met items in the pools as they are."""
    return [place_of(each, np.ones(len(each.score), np.bool_)) for each in events]


def lines_of(events: Sequence[Event]) -> list[Line]:
    """What each size costs."""
    whole, found = places_in_whole(events), list[Line]()
    for size in SIZES:
        stays = [smaller(each, size) for each in events]
        places = [place_of(each, some) for each, some in zip(events, stays, strict=True)]
        kept = [some[each.slate].mean() for each, some in zip(events, stays, strict=True)]
        lost = ndcg_difference(places, whole), hit_rate_difference(places, whole)
        found.append(Line(size, float(np.mean(kept)), *lost))
    return found


def summary(events: Sequence[Event], lines: Sequence[Line]) -> Mapping[str, object]:
    """All figures."""
    whole = places_in_whole(events)
    return {
        **made(command_line(sys.argv), PACKAGES),
        "events": len(events),
        "ndcg@10": ndcg(whole)._asdict(),
        "hr@10": hit_rate(whole)._asdict(),
        "sizes": [
            {**line._asdict(), "ndcg10": line.ndcg10._asdict(), "hr10": line.hr10._asdict()} for line in lines
        ],
    }


def main() -> None:
    """Train, walk, and print a table."""
    parser = argparse.ArgumentParser(description="How many candidates have to meet the network.")
    add_arguments(parser)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with trained(args) as walk:
        events = events_of(walk)
    lines = lines_of(events)
    table = Table(title=f"{len(events)} events", title_justify="left")
    for column in ("candidates", "places kept", "NDCG@10", "HR@10"):
        table.add_column(column)
    for line in lines:
        lost = [f"{each.value:+.5f} ± {each.error:.5f}" for each in (line.ndcg10, line.hr10)]
        table.add_row(str(line.size), f"{line.kept:.4f}", *lost)
    Console().print(table)
    if args.json is not None:
        args.json.write_text(json.dumps(summary(events, lines), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
