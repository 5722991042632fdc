"""What a search costs over many items: time and CPU of the core, by the sort of query.

    python -m benchmarks.search_speed [--items 100000] [--queries 400] [--json FILE]

Items have titles of 6 words, texts of 20, two categories, a maker, a price and a vector of 64 numbers. Words
are drawn by Zipf's law from 30,000. The network is not asked, so the figures are those of words, meaning and
their fusion, with the slate: what comes on top is `headrace bench rescoring`. One thread; CPU is that of the
thread.

    words       three words of one title
    typo        the same with a letter wrong in one of them
    prices      the same and "under 50"
    filter      the same within one category of 200
    meaning     the same, with a vector
    suggest     the first word and the beginning of the second
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import made
from model.schema import F32
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.searching import SearchAsked, search
from streams.search.suggesting import suggest
from streams.settings.search import SearchSettings
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.user_state import EMPTY

NOW_MS = 1_700_000_000_000
WORDS, CATEGORIES, MAKERS = 30_000, 200, 500
PACKAGES = ("headrace", "numpy", "tantivy")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
F64 = NDArray[np.float64]


class Cost(NamedTuple):
    """Milliseconds: median and 99th percentile of the time, mean of the CPU."""

    p50_ms: float
    p99_ms: float
    cpu_ms: float


class Catalogue(NamedTuple):
    """What is searched, and what making it cost."""

    core: Recommender
    indexed: SearchIndex
    titles: list[str]
    vectors: F32
    put_s: float
    commit_s: float


def catalogue(items: int, rng: np.random.Generator) -> Catalogue:
    """So many items, announced and committed."""
    words = np.array([_word(rng) for _ in range(WORDS)])
    chance = 1.0 / np.arange(1, WORDS + 1)
    chance /= chance.sum()
    drawn = rng.choice(WORDS, (items, 26), p=chance)
    vectors = rng.normal(size=(items, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    core, index = Recommender(Settings()), SearchIndex(SearchSettings())
    core.meet([f"i{row}" for row in range(items)], NOW_MS)
    prices, titles = rng.lognormal(3.5, 1.0, items).round(2), []
    started = time.thread_time()
    for row in range(items):
        its = words[drawn[row]]
        titles.append(" ".join(its[:6]))
        record = ItemRecord(
            item_id=f"i{row}", ts=NOW_MS, text=vectors[row].astype(np.float16).tobytes(), title=titles[row],
            categories=[f"category {row % CATEGORIES}", f"group {row % 20}"], price=float(prices[row]),
            attributes={"brand": f"maker {row % MAKERS}"}, description=" ".join(its[6:]),
        )  # fmt: skip
        core.put_item(row, record)
        index.note(row, record)
    put_s, started = time.thread_time() - started, time.process_time()
    index.commit()
    commit_s = time.process_time() - started
    core.prepare()
    return Catalogue(core, index, titles, vectors, put_s, commit_s)


def _word(rng: np.random.Generator) -> str:
    return "".join(LETTERS[k] for k in rng.integers(0, 26, rng.integers(4, 11)))


def measured(run: Callable[[int], object], queries: int) -> Cost:
    """Each query once, after a few that nobody counts."""
    for k in range(queries, queries + 10):
        run(k)
    times, cpu = [], time.thread_time()
    for k in range(queries):
        started = time.perf_counter()
        run(k)
        times.append(time.perf_counter() - started)
    cpu = (time.thread_time() - cpu) / queries
    p50, p99 = np.percentile(times, [50, 99]) * 1_000
    return Cost(round(float(p50), 3), round(float(p99), 3), round(cpu * 1_000, 3))


def costs(here: Catalogue, queries: int, rng: np.random.Generator) -> dict[str, Cost]:
    """By the sort of query."""
    rows = rng.integers(0, len(here.titles), queries + 10)
    texts = [" ".join(here.titles[row].split()[:3]) for row in rows]
    noise = rng.normal(size=(len(rows), 64)).astype(np.float32)
    vectors = here.vectors[rows] + 0.5 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def asking(text: Callable[[int], str], asked: ItemFilter = NO_FILTER, meaning: bool = False) -> Cost:
        def run(k: int) -> object:
            understood = here.indexed.understand(text(k))
            query = SearchAsked(understood, vectors[k] if meaning else None, size=20, filter=asked)
            return search(here.core, here.indexed, query, EMPTY, NOW_MS + k)

        here.indexed.forget_queries()  # another sort asks for the same words
        return measured(run, queries)

    def wrong(k: int) -> str:
        first, *rest = texts[k].split()
        return " ".join([first[:2] + LETTERS[k % 26] + first[2:], *rest])

    def typed(k: int) -> object:
        first, second, *_ = texts[k].split()
        return suggest(here.core, here.indexed, f"{first} {second[:2]}", 10)

    return {
        "words": asking(lambda k: texts[k]),
        "typo": asking(wrong),
        "prices": asking(lambda k: f"{texts[k]} under 50"),
        "filter": asking(lambda k: texts[k], ItemFilter(categories=("category 7",))),
        "meaning": asking(lambda k: texts[k], meaning=True),
        "suggest": measured(typed, queries),
    }


def main() -> None:
    """Measure, print a line for each sort of query and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="The cost of a search over many items.")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rng = np.random.default_rng(7)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    here = catalogue(args.items, rng)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024
    making = {
        "put_us": round(1e6 * here.put_s / args.items, 1),
        "commit_us": round(1e6 * here.commit_s / args.items, 1),
        "memory_mib": round(grown),
    }
    print("an item:", *(f"{name} {value}" for name, value in making.items()))
    found = costs(here, args.queries, rng)
    for sort, cost in found.items():
        print(f"{sort:10} p50 {cost.p50_ms:7.3f} ms  p99 {cost.p99_ms:7.3f} ms  CPU {cost.cpu_ms:7.3f} ms")
    one = ItemRecord("i0", NOW_MS, title="changed once more")
    changes = []
    for k in range(20):
        here.indexed.note(0, msgspec.structs.replace(one, title=f"changed {k}"))
        started = time.perf_counter()
        here.indexed.commit()
        changes.append(1_000 * (time.perf_counter() - started))
    print(f"a commit of one change: median {np.median(changes):.1f} ms")
    if args.json is not None:
        report: dict[str, Any] = {
            **made(f"python -m benchmarks.search_speed --items {args.items}", PACKAGES),
            "items": args.items, "queries": args.queries, "making": making,
            "costs": {sort: cost._asdict() for sort, cost in found.items()},
            "commit_of_one_ms": round(float(np.median(changes)), 2),
        }  # fmt: skip
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
