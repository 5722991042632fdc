"""What online reweighting costs: CPU of one lesson, and of the scores of one request's candidates.

    python -m benchmarks.reweighting [--lessons 4000] [--json FILE]

One thread, nothing else of the worker. A lesson has 10 places and one click; a request has 120 candidates;
both have 24 signals. The mixture has four experts: the frozen order and three linear ones.

    global   one arm and one surface: the global level alone
    levels   two arms and two surfaces: three levels for each lesson and each request
    no drift as "global", without river's detectors
    river    as "global", with river's logistic regression in the place of the linear experts
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import made
from streams.learning.experts.adaptive_learner import AdaptiveLearner, Level
from streams.learning.experts.settings import ReweightingSettings
from streams.learning.lesson import Lesson, LessonAnswer
from streams.learning.looks import digest_of_names
from streams.state.action_meaning import BUILT_IN

SIGNALS, PLACES, CANDIDATES = 24, 10, 120
COLUMNS = ("base", *(f"head_{k}" for k in range(SIGNALS - 1)))
CLICK = BUILT_IN.codes["click"]
ROUNDS = 9  # the median counts, and the least is told
BEGIN_MS = 1_700_000_000_000


class Cost(NamedTuple):
    """CPU in microseconds: the median round, and the least."""

    what: str
    lesson_us: float
    lesson_least_us: float
    score_us: float
    score_least_us: float


class Kind(NamedTuple):
    """`names`: arms and surfaces."""

    what: str
    settings: ReweightingSettings
    names: int


KINDS = (
    Kind("global", ReweightingSettings(), 1),
    Kind("levels", ReweightingSettings(), 2),
    Kind("no drift", ReweightingSettings(drift=()), 1),
    Kind("river", ReweightingSettings(experts=("frozen", "river:linear_model.LogisticRegression")), 1),
)


def lessons(count: int, names: int) -> list[Lesson]:
    """Of users who each come once, by a softmax of random weights."""
    rng = np.random.default_rng(1)
    liked, digest, made = rng.normal(size=SIGNALS), digest_of_names(COLUMNS), []
    for n in range(count):
        features = rng.normal(size=(PLACES, SIGNALS))
        place = int(np.argmax(features @ liked + rng.gumbel(size=PLACES)))
        made.append(
            Lesson(
                1,
                f"user-{n}",
                f"slate-{n}",
                f"arm-{n % names}",
                "model",
                f"surface-{n // names % names}",
                BEGIN_MS + 1_000 * n,
                rng.integers(0, 100_000, PLACES).astype("<i4").tobytes(),
                features.astype("<f2").tobytes(),
                digest,
                b"",
                (LessonAnswer(place, CLICK, float("nan"), 1_000),),
            )
        )
    return made


def cpu_us(work: Callable[[int], None], calls: int) -> list[float]:
    """Of one call, round by round."""
    rounds = []
    for number in range(ROUNDS):
        begun = time.thread_time()
        for call in range(calls):
            work(number * calls + call)
        rounds.append((time.thread_time() - begun) / calls * 1e6)
    return rounds


def measure(kind: Kind, count: int) -> Cost:
    """Teach one learner and ask it."""
    learner, stream = AdaptiveLearner(kind.settings, COLUMNS, BUILT_IN), lessons(count, kind.names)
    calls = count // (ROUNDS + 1)
    for lesson in stream[:calls]:  # compiled code is loaded, levels are made
        learner.learn(lesson)
    rest = stream[calls:]
    learned = cpu_us(lambda n: learner.learn(rest[n]), calls)
    signals = np.random.default_rng(2).normal(size=(CANDIDATES, SIGNALS)).astype(np.float32)
    out, offsets = np.empty(CANDIDATES, np.float32), np.array([0, CANDIDATES])
    asked = [Level(f"arm-{kind.names - 1}", f"surface-{kind.names - 1}")]
    scored = cpu_us(lambda _: learner.score(signals, offsets, offsets[1:], asked, out), 200)
    return Cost(kind.what, statistics.median(learned), min(learned), statistics.median(scored), min(scored))


def show(costs: Sequence[Cost]) -> None:
    table = Table("", "lesson us", "least", f"score of {CANDIDATES} us", "least")
    for what, *numbers in costs:
        table.add_row(str(what), *(f"{each:.1f}" for each in numbers))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reweighting")
    parser.add_argument("--lessons", type=int, default=4_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    costs = [measure(kind, options.lessons) for kind in KINDS]
    show(costs)
    if options.json:
        command = f"python -m benchmarks.reweighting --lessons {options.lessons}"
        result = made(command, ("numba", "numpy", "river")) | {"costs": [each._asdict() for each in costs]}
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
