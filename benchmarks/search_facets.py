"""What facets and another order cost a search, among many items: CPU of one thread, without HTTP and store.

    python -m benchmarks.search_facets [--items 100000] [--rounds 20]

Items and queries are those of `headrace bench search`. Each sort of search is asked `rounds` times. The
median is told, in microseconds: with the words looked up anew, and with what their last search has left.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

from streams.bench.synthetic import catalogue, warm_core
from streams.bench.worded import queries_for, worded
from streams.ranking.attribute_expression import parse
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.recommender import Recommender
from streams.search.index import SearchIndex
from streams.search.matches import matches
from streams.search.searching import SearchAsked
from streams.search.sorted_search import sorted_search
from streams.search.wanted import Wanted
from streams.settings.tree import Settings

NOW_MS = 1_700_000_000_000
USERS, EVENTS, DIM, SEED = 100, 2_000, 64, 7
NAMED = ("categories", "attributes.brand", "price", "tags")
FILTER = ItemFilter(categories=("category 3",), price_to=50.0, expression=parse('brand:"maker 1"'))


def opened(items: int) -> tuple[Recommender, SearchIndex, list[str]]:
    """A core with a catalogue, an index of it, and queries."""
    settings = Settings()
    records = worded(catalogue(items, DIM, NOW_MS, SEED), SEED)
    core, _ = warm_core(settings, records, USERS, EVENTS, NOW_MS, SEED)
    index = SearchIndex(settings.search)
    for row, record in enumerate(records.values()):
        index.note(row, record)
    index.commit()
    return core, index, queries_for([record.title for record in records.values()], SEED)


def median_us(call: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> float:
    """CPU of the thread for one call."""
    took = []
    for _ in range(rounds):
        before()
        began = time.thread_time_ns()
        call()
        took.append((time.thread_time_ns() - began) / 1_000)
    return median(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    core, index, queries = opened(asked.items)
    first = queries[0].split()[0]
    common = max((word for text in queries[:200] for word in text.split()), key=index.words.frequency)
    texts = {"three words": queries[0], "one word": first, "the commonest word": common, "no word": ""}
    print(
        "| query | filter | asked for | items | words anew, us | remembered, us |\n|---|---|---|---|---|---|"
    )
    for name, text in texts.items():
        understood = index.understand(text)
        for within, filtered in (("none", NO_FILTER), ("three fields", FILTER)):
            for told, wanted in (
                ("total", Wanted()),
                ("4 facets", Wanted(facets=NAMED)),
                ("all facets", Wanted(facets=("*",))),
                ("price:asc", Wanted("price:asc")),
                ("popular", Wanted("popular")),
            ):
                search = SearchAsked(understood, None, filter=filtered, wanted=wanted)

                def once(search: SearchAsked = search) -> int:
                    if search.wanted.sorted:
                        return sorted_search(core, index, search, NOW_MS).found
                    found = matches(core, index, search.understood, None, search.filter, (), search.wanted)
                    return len(found.rows)

                items = once()
                anew = median_us(once, asked.rounds, index.forget_queries)
                again = median_us(once, asked.rounds)
                print(f"| {name} | {within} | {told} | {items:,} | {anew:,.0f} | {again:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
