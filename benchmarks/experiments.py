"""What experiments cost the core: CPU an event with 20 experiments in 5 layers against none, and CPU a draw.

    python -m benchmarks.experiments --rounds 30
    python -m benchmarks.experiments --rounds 30 --model ml-100k --registry var/models

Two cores fold the same events in turns, a few batches each, and the CPU time of this process is compared
round by round. Each user has arms of their own: 5 layers with 4 experiments of 3 arms, whose overrides all
differ. With `--trigger` each of them compares slates, for nobody is exposed here. Without a model a slate
costs least, so there the share of what experiments cost is largest.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from export.registry import Registry as Models
from streams.batch import Incoming, process
from streams.events.schema import Click
from streams.experiments.assignment.assignment import Assignment
from streams.experiments.declared.reading import read_experiment
from streams.experiments.registry import changes
from streams.experiments.registry.state import NONE, Registry
from streams.learning.kept_slates import UserSlates
from streams.recommender import Recommender
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings
from streams.state.fold import Delivery
from streams.state.user_state import UserState

START_MS = 1_700_000_000_000
LAYERS, EXPERIMENTS, ITEMS, USERS, BATCHES = 5, 20, 2_000, 800, 20


def overrides(layer: int, number: int) -> dict[str, Any]:
    """What an arm changes; no two layers change the same setting."""
    changed: list[dict[str, Any]] = [
        {"feed": {"fresh_place": 1 + number % 20}},
        {"feed": {"aversion": 1.0 + number / 10}},
        {"candidates": {"weights": {"fresh": 0.1 + number / 50}}},
        {"feed": {"rating_weight": 0.3 + number / 100}},
        {"candidates": {"rank_constant": 50.0 + number}},
    ]
    return changed[layer]


def all_running(trigger: str = "none") -> Registry:
    """The experiments, started."""
    registry = NONE
    for n in range(EXPERIMENTS):
        layer = n % LAYERS
        declared = read_experiment(
            f"e{n}",
            {
                "hypothesis": "It costs little.",
                "layer": f"layer{layer}",
                "share": LAYERS / EXPERIMENTS,
                "control": "plain",
                "arms": {
                    "plain": {},
                    "bold": {"stages": overrides(layer, n)},
                    "bolder": {"stages": overrides(layer, n + EXPERIMENTS)},
                },
                "primary": "click_through",
                "users": USERS,
                "minimum_effect": 0.05,
                "trigger": trigger,
            },
        )
        registry = changes.declared(registry, f"e{n}", declared, START_MS).registry
        registry = changes.started(registry, f"e{n}", START_MS).registry
    return registry


class Side:
    """A core and the same events as the other one gets."""

    def __init__(self, registry: Registry, model: str, models: Path, batch: int) -> None:
        settings = Settings()
        self.core = Recommender(settings)
        self.core.meet([f"i{n}" for n in range(ITEMS)], START_MS)
        if model:
            folder = Models(models).get(model)
            self.core.serve(load_in_service(folder, settings.model, self.core.pipeline.names))
        self.core.arms.run(registry)
        self.states, self.kept = dict[str, UserState](), dict[str, UserSlates]()
        self._events, self._batch = events(), batch

    def turn(self) -> float:
        """CPU seconds of a few batches."""
        started = time.process_time()
        for _ in range(BATCHES):
            batch = [next(self._events) for _ in range(self._batch)]
            now_ms = batch[-1].event.ts
            done = process(
                *(self.core, batch, self.states, now_ms, "full"), kept=self.kept, arm_of=self.core.arms_of
            )
            self.states |= done.states
            self.kept |= done.kept
        return time.process_time() - started


def events() -> Iterator[Incoming]:
    """Clicks, some users and items more often than others."""
    rng, n = random.Random(7), 0
    while True:
        n += 1
        ts, item = START_MS + 10 * n, int(rng.paretovariate(0.7)) % ITEMS
        event = Click(event_id=f"{n}", ts=ts, user_id=f"u{rng.randrange(USERS)}", item_id=f"i{item}")
        yield Incoming(event, Delivery("clicks-0", n), ts)


def draw_us(registry: Registry, users: int = 100_000) -> float:
    """CPU microseconds to draw a user to the arms of all layers."""
    assignment, names = Assignment(registry), [f"user-{n}" for n in range(users)]
    took = []
    for _ in range(3):
        started = time.process_time()
        for name in names:
            assignment.arms(name)
        took.append(time.process_time() - started)
    return min(took) / users * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, default=16, help="events in a batch (16)")
    parser.add_argument("--model", default="", help="a registered model; none: the counters alone")
    parser.add_argument("--registry", type=Path, default=Path("var/models"))
    parser.add_argument("--trigger", action="store_true", help="count only users whose slates differ")
    options = parser.parse_args()
    registry = all_running("slate" if options.trigger else "none")
    print(f"a draw for {LAYERS} layers, {EXPERIMENTS} experiments: {draw_us(registry):.2f} us of CPU")
    without, under = (Side(each, options.model, options.registry, options.batch) for each in (NONE, registry))
    for _ in range(max(1, 8 * USERS // (BATCHES * options.batch))):  # each user's plan is made by then
        without.turn()
        under.turn()
    pairs = [(without.turn(), under.turn()) for _ in range(options.rounds)]
    ratio = statistics.median(after / before for before, after in pairs)
    per_event = 1e6 / (BATCHES * options.batch)
    before, after = (statistics.median(each) * per_event for each in zip(*pairs, strict=True))
    print(f"an event: {before:.0f} us without, {after:.0f} us with experiments, {ratio - 1:+.1%} (median)")


if __name__ == "__main__":
    main()
