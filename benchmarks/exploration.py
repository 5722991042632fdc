"""What exploring costs: CPU of one slate that is drawn by the posterior, and of quotas of sources.

    python -m benchmarks.exploration [--json FILE]

One thread, nothing else of the worker. A request has 120 candidates with 24 signals; 50 of them may be drawn,
and the slate has 20 places. The mixture has four experts, and there is one level.

    scores        what 32 samples say of 120 candidates' best 50, while the samples stay
    samples       as "scores", and the samples are made anew, as after a lesson
    chances       how likely each of the 20 places was, over all samples
    draw          the slate itself, with its noise
    earned        one lesson of 10 places, for what 8 sources earn
    quotas        the quotas of one request, drawn
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import numpy as np
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from benchmarks.machine import made
from benchmarks.reweighting import CANDIDATES, COLUMNS, SIGNALS, cpu_us, lessons
from streams.learning.earnings import SourceEarnings
from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.looks import digest_of_names
from streams.ranking.candidates.quotas import within
from streams.ranking.rerankers.plackett_luce import draw, given_above, scaled_scores
from streams.state.action_meaning import BUILT_IN

POOL, SIZE, SOURCES = 50, 20, 8
TEMPERATURE = 0.1


def drawing() -> dict[str, Callable[[int], None]]:
    """What a slate takes that is drawn by the posterior."""
    learner = AdaptiveLearner(ReweightingSettings(), COLUMNS, BUILT_IN)
    for lesson in lessons(400, 1):
        learner.learn(lesson)
    random = np.random.default_rng(2)
    signals = random.normal(size=(CANDIDATES, SIGNALS)).astype(np.float32)
    pool, draws = np.arange(POOL), np.ones(SIZE, np.bool_)

    def scores(_: int) -> None:
        learner.sampled(signals, CANDIDATES, pool, Level())

    def samples(n: int) -> None:
        learner.levels.lessons += 1
        scores(n)

    def chances(_: int) -> None:
        given_above(scaled, draws, places, 1.0, draws)

    def slate(n: int) -> None:
        draw(scaled[0], draws, np.random.default_rng(n).gumbel(size=POOL))

    scaled = scaled_scores(learner.sampled(signals, CANDIDATES, pool, Level()), TEMPERATURE)
    places = draw(scaled[0], draws, random.gumbel(size=POOL))
    return {"scores": scores, "samples": samples, "chances": chances, "draw": slate}


def quotas() -> dict[str, Callable[[int], None]]:
    """What a lesson takes of which sources earn, and the quotas of a request."""
    names = [f"s{k}" for k in range(SOURCES)]
    columns = [f"rank_{name}" for name in names] + [f"c{k}" for k in range(SIGNALS - SOURCES)]
    earnings = SourceEarnings(names, columns, BUILT_IN, 0.5)
    digest = digest_of_names(columns)
    stream = [replace(each, names=digest) for each in lessons(400, 1)]

    def earned(n: int) -> None:
        earnings.learn(stream[n % len(stream)])

    def divided(n: int) -> None:
        within(earnings.rates(np.random.default_rng(n)), 0.5, 0.02, 0.25)

    return {"earned": earned, "quotas": divided}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exploration")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table, costs = Table("", "median us", "least"), []
    for name, work in (drawing() | quotas()).items():
        work(0)  # compiled code is loaded
        rounds = cpu_us(work, 300)
        costs.append({"what": name, "us": statistics.median(rounds), "least_us": min(rounds)})
        table.add_row(name, f"{statistics.median(rounds):.1f}", f"{min(rounds):.1f}")
    Console().print(table)
    if options.json:
        result = made("python -m benchmarks.exploration", ("numba", "numpy")) | {"costs": costs}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
