"""What a search leaves out, and what its answers lose by it.

    python -m benchmarks.search_left_out --interactions Musical_Instruments.zip --keep FOLDER [--titles 12]

The purchases, the queries, the network and its half of the users for choices are those of `search_quality`
(which trains the network into FOLDER, where it is not there yet). A row a way, with NDCG@10, MRR, and the
differences from searches as they are served, over the same searches: mean and standard error.

    served           as it is
    all vectors      near vectors are searched where words fill the pool, too: no difference is possible
    words of texts   common words are looked for in texts, too (of interest with --titles)
    cheap sources    a candidate's place in the lists of sources, which the network reads, is told of sources
                     that need neither pairs nor vectors
    no source        of none
    pool N           the network scores so many candidates

These items have texts alone. `--titles N` makes the first N words of each its title.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.search_quality import PLACES, Way, add_searches, place, some_of, world
from benchmarks.search_queries import read_purchases, searches_of
from model.evaluate import mean_of, mrr, ndcg, ndcg_difference
from streams.ranking.stage_plan import StagePlan
from streams.recommender import Recommender
from streams.search import finding, searching, word_queries
from streams.search.as_found import as_found
from streams.settings.search import SearchSettings

CHEAP = ("trending", "popular", "fresh")


class LeftOut(NamedTuple):
    """One row. `patched`: names of this build that are other ones meanwhile, by module."""

    name: str
    settings: SearchSettings
    patched: Sequence[tuple[Any, Mapping[str, Any]]] = ()


def left_out(chosen: SearchSettings) -> list[LeftOut]:
    """The rows."""

    def but(**changes: Any) -> SearchSettings:
        return msgspec.structs.replace(chosen, **{"results": PLACES, **changes})

    return [
        LeftOut("served", but()),
        LeftOut("all vectors", but(), [(finding, {"_full_of_words": lambda *_: False})]),
        LeftOut("words of texts", but(), [(word_queries, {"COMMON": 1.0})]),
        LeftOut("cheap sources", but(), [(searching, {"as_found": asking(CHEAP)})]),
        LeftOut("no source", but(), [(searching, {"as_found": asking(())})]),
        *(LeftOut(f"pool {n}", but(pool=n)) for n in (40, 60, 80)),
    ]


def asking(sources: Sequence[str]) -> Callable[[Recommender, StagePlan], StagePlan]:
    """`as_found`, but that no other sources are asked."""
    made = WeakKeyDictionary[StagePlan, StagePlan]()

    def plan_of(recommender: Recommender, plan: StagePlan) -> StagePlan:
        if plan not in made:
            whole, names = as_found(recommender, plan), recommender.pipeline.names
            made[plan] = replace(whole, asked=tuple(at for at in whole.asked if names[at] in sources))
        return made[plan]

    return plan_of


@contextmanager
def instead(row: LeftOut) -> Iterator[None]:
    """While the block lasts, the build is as the row says."""
    with ExitStack() as stack:
        for module, names in row.patched:
            stack.enter_context(patch.multiple(module, **names))
        yield


def reciprocal(places: Sequence[int]) -> NDArray[np.float64]:
    """1 / place; 0 for what was not found."""
    return np.array([1.0 / each if each else 0.0 for each in places])


def main() -> None:
    """Train or load, search, print a line for each row."""
    parser = argparse.ArgumentParser(description="What a search leaves out, and what that loses.")
    add_searches(parser)
    parser.add_argument(
        "--titles", type=int, default=0, metavar="N", help="first words of a text as its title"
    )
    parser.add_argument("--rest", action="store_true", help="the half of the users that chooses nothing")
    args = parser.parse_args()
    searches = searches_of(read_purchases(Path(args.interactions)))
    here = world(args, searches, args.titles)
    half = some_of(searches.test, not args.rest, args.searches)
    served: list[int] = []
    for row in left_out(here.found_by.settings):
        with instead(row):
            here.found_by.forget_queries()
            places = [place(here, asked, Way(row.name, row.settings)) for asked in half]
        served = served or places
        first = ndcg_difference(places, served)
        moved = sum(one != other for one, other in zip(places, served, strict=True))
        above = mean_of(reciprocal(places) - reciprocal(served))
        told = f"ndcg@10 {ndcg(places).value:.4f} ({first.value:+.4f} ± {first.error:.4f})"
        told += f", mrr {mrr(places).value:.4f} ({above.value:+.4f} ± {above.error:.4f})"
        print(f"{row.name:16} {len(half):5} {told}, other places {moved}", flush=True)


if __name__ == "__main__":
    main()
