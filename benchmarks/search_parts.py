"""Where the CPU of a search goes: part by part, among many items, with a model and the meaning of each query.

    python -m benchmarks.search_parts --model var/demo/models/NAME [--items 100000] [--queries 400]
    python -m benchmarks.search_parts ... --answers FILE     also write what was found, to compare two builds
    python -m benchmarks.search_parts ... --same-as FILE     compare with what another build wrote

Items and queries are those of `headrace bench search`: titles of six words by Zipf's law, three words of one
title, every fourth with a letter wrong. Beside these, of each tenth query the other sorts are asked: prices,
filters, names, nothing at all. All is computed in one thread, one search at a time, without HTTP and store.
Each part has its own time alone, without the parts that it calls; CPU of the thread, microseconds a search.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import numpy as np

from export.registry import Registry
from model.schema import F32
from streams.bench.synthetic import catalogue, warm_core
from streams.bench.worded import queries_for, worded
from streams.ranking.attribute_expression import parse
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.recommender import Recommender
from streams.search import finding, queries, searching
from streams.search.index import SearchIndex
from streams.search.searching import SearchAnswer, SearchAsked, search
from streams.serving.loading import load_encoder, load_in_service
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.event_meaning import Encode, encoded
from streams.state.user_state import EMPTY, UserState

NOW_MS = 1_700_000_000_000
USERS, EVENTS, DIM = 1_000, 20_000, 64
SEED = 7


class Here(NamedTuple):
    """What is searched."""

    core: Recommender
    indexed: SearchIndex
    encode: Encode
    states: list[bytes]
    titles: list[str]


class Asking(NamedTuple):
    """One search, by its sort."""

    sort: str
    text: str
    user: int
    filter: ItemFilter = NO_FILTER
    exclude: tuple[str, ...] = ()
    personal: bool = True


def opened(model: Path, items: int) -> tuple[Here, list[str]]:
    """The world of `headrace bench search`, in this process, and its queries."""
    settings = Settings()
    records = worded(catalogue(items, DIM, NOW_MS, SEED), SEED)
    core, states = warm_core(settings, records, USERS, EVENTS, NOW_MS, SEED)
    core.serve(load_in_service(model, settings.model, core.pipeline.names))
    index = SearchIndex(settings.search)
    for row, record in enumerate(records.values()):
        index.note(row, record)
    index.commit()
    core.prepare()
    encode = load_encoder(settings.model, Registry(model.parent))
    assert encode is not None
    titles = [record.title for record in records.values()]
    packed = [user_state_codec.encode(state) for state in states.values()]
    return Here(core, index, encode, packed, titles), queries_for(titles, SEED)


def every_sort(queries: Sequence[str], items: int) -> Iterator[Asking]:
    """The queries; of each tenth of them all other sorts besides."""
    rng = np.random.default_rng(SEED)
    for n, text in enumerate(queries):
        user = int(rng.integers(USERS))
        yield Asking("words", text, user)
        if n % 10:
            continue
        first = text.split()[0]
        yield Asking("nobody", text, -1)
        yield Asking("not personal", text, user, personal=False)
        yield Asking("prices", f"{text} under 50", user)
        yield Asking("cheap", f"cheap {text}", user)
        yield Asking("category", text, user, ItemFilter(categories=(f"category {n % 40}",)))
        yield Asking("few", text, user, ItemFilter(tags=(f"tag {n % 300}",)))
        yield Asking("attribute", text, user, ItemFilter(expression=parse(f'not brand:"maker {n % 500}"')))
        yield Asking("price bounds", text, user, ItemFilter(price_from=10.0, price_to=11.0 + n % 40))
        yield Asking("excluded", text, user, exclude=tuple(f"item-{k}" for k in range(n, items, 997)))
        yield Asking("maker", f"{first} maker {n % 500}", user)
        yield Asking("named category", f"category {n % 40} {first}", user)
        yield Asking("one word", first, user)
        yield Asking("many words", " ".join(queries[n : n + 4]), user)
        yield Asking("unknown", f"zzqx{n} wqqk", user)
        yield Asking("nothing", "", user)
        yield Asking("nothing but a filter", "", user, ItemFilter(categories=(f"category {n % 40}",)))


class Clock:
    """CPU of each part alone: what a part calls that is a part itself is taken off."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = defaultdict(int)
        self._inner = [0]

    def part(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def run(*args: Any, **kwargs: Any) -> Any:
            began = time.thread_time_ns()
            self._inner.append(0)
            try:
                return function(*args, **kwargs)
            finally:
                took = time.thread_time_ns() - began
                self.spent[name] += took - self._inner.pop()
                self._inner[-1] += took

        return run

    @contextmanager
    def watching(self, here: Here) -> Iterator[None]:
        """Within it, the parts of a search are timed."""
        core, index = here.core, here.indexed
        owners: list[tuple[str, Any, str]] = [
            ("spelling", index.table, "correct"),
            ("names of the query", index.names, "find"),
            ("prices of the query", queries, "price_words"),
            ("words", index.words, "search"),
            ("meaning", finding, "near"),
            ("cosines", finding, "cosines"),
            ("blocked", finding, "_blocked"),
            ("rows named", finding, "rows_named"),
            ("fusion", finding, "by_scores"),
            ("pool", finding, "_pool"),
            ("find, the rest", searching, "find"),
            ("plan", searching, "_in_one_order"),
            ("request", core, "request"),
            ("arm", core, "arms_of"),
            ("share", searching, "_share"),
            ("slate", searching, "slates_of"),
            ("answer", searching, "_answer"),
            *[
                (f"stage {type(stage).__name__}", stage, "run")
                for stage in (*core.pipeline.gathering, *core.pipeline.ordering)
            ],
            *[
                (f"source {source.name}", source, "find_all" if hasattr(source, "find_all") else "find")
                for source in core.pipeline.sources
            ],
        ]
        with ExitStack() as patched:
            for name, owner, attribute in owners:
                run = self.part(name, getattr(owner, attribute))
                patched.enter_context(patch.object(owner, attribute, run))
            yield


def asked(here: Here, asking: Asking, now_ms: int, clock: Clock) -> SearchAnswer:
    """One search, as the searcher makes it."""
    understood = clock.part("understand, the rest", here.indexed.understand)(asking.text)
    vector: F32 | None = None
    if understood.to_encode:
        vector = clock.part("encode", encoded)([understood.to_encode], here.encode)[understood.to_encode]
    state: UserState = EMPTY
    if asking.user >= 0:
        state = clock.part("state", user_state_codec.decode)(here.states[asking.user])
    query = SearchAsked(
        understood, vector, user=f"user-{asking.user}" if asking.user >= 0 else "", size=100,
        filter=asking.filter, exclude=asking.exclude, personal=asking.personal,
    )  # fmt: skip
    made: SearchAnswer = clock.part("search, the rest", search)(here.core, here.indexed, query, state, now_ms)
    return made


def main() -> None:
    """Measure, and print a line for each part; compare answers where that is asked."""
    parser = argparse.ArgumentParser(description="Where the CPU of a search goes.")
    parser.add_argument("--model", type=Path, required=True, help="a model's folder in its registry")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--answers", type=Path, metavar="FILE", help="write what each sort has found")
    parser.add_argument("--same-as", type=Path, metavar="FILE", help="compare with what was written so")
    args = parser.parse_args()
    here, texts = opened(args.model.resolve(), args.items)
    texts = texts[: args.queries]
    for k in range(20):
        asked(here, Asking("words", texts[-k - 1], k), NOW_MS, Clock())
    clock = Clock()
    rng = np.random.default_rng(SEED)
    each_ms = []
    with clock.watching(here):
        for n, text in enumerate(texts):
            began = time.thread_time_ns()
            asked(here, Asking("words", text, int(rng.integers(USERS))), NOW_MS + n, clock)
            each_ms.append((time.thread_time_ns() - began) / 1e6)
    for name, spent in sorted(clock.spent.items(), key=lambda pair: -pair[1]):
        print(f"{name:24} {spent / len(texts) / 1_000:8.1f} us")
    p50, p99 = np.percentile(each_ms, [50, 99])
    print(f"a search: {np.mean(each_ms):.3f} ms, median {p50:.3f}, 99th percentile {p99:.3f}")
    if args.answers is not None or args.same_as is not None:
        found = answers(here, texts, args.items)
        if args.answers is not None:
            args.answers.write_text(json.dumps(found))
        if args.same_as is not None:
            compare(json.loads(args.same_as.read_text()), found)


def answers(here: Here, texts: Sequence[str], items: int) -> list[Any]:
    """Of each search of every sort: its sort, its text, the ids and the scores of its places."""
    made = []
    for n, asking in enumerate(every_sort(texts, items)):
        slate = asked(here, asking, NOW_MS + n, Clock()).slate
        places = [[item.item_id, item.score, item.source, item.reason.kind] for item in slate.items]
        made.append([asking.sort, asking.text, places])
    return made


def compare(before: list[Any], now: list[Any]) -> None:
    """Print, by sort, how many searches differ and by how much."""
    by_sort: dict[str, list[tuple[bool, float, float]]] = defaultdict(list)
    for (sort, _, former), (_, _, places) in zip(before, now, strict=True):
        scores = {item: score for item, score, *_ in places}
        there = [item for item, *_ in former if item in scores]
        apart = max((abs(scores[item] - score) for item, score, *_ in former if item in scores), default=0.0)
        by_sort[sort].append((former == places, len(there) / max(len(former), 1), apart))
    for sort, each in by_sort.items():
        same, overlap, apart = zip(*each, strict=True)
        told = f"{sum(same)} of {len(each)} the same, places in both {np.mean(overlap):.4f}"
        print(f"{sort:24} {told}, scores differ by at most {max(apart):.2e}")


if __name__ == "__main__":
    main()
