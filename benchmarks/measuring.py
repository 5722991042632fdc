"""What measuring experiments costs: CPU of an event in the core, with its users' states as bytes, with 20
experiments in 5 layers of 3 metrics each, and with none.

    python -m benchmarks.measuring [--model FOLDER] [--events 6000] [--rounds 7]

`--model`: a registered model's folder, which scores all slates; without one the counters make them.

Half of the events are impressions of 10 items, which name an arm of one experiment of each layer; half are
clicks, each of which makes a slate. Both ways take the same events in turn, batch by batch.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

from streams.batch import Incoming, process
from streams.events.schema import AnyEvent, Click, Impression
from streams.experiments.arm_text import arm_text
from streams.experiments.measured import NOTHING_MEASURED, Measured, MeasuredExperiment, measured
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import UserSlates
from streams.ranking.degradation import Rung
from streams.recommender import Recommender
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from streams.stores.base import digest_of

ITEMS, USERS, PLACES, BATCH = 5_000, 300, 10, 16
LAYERS, EXPERIMENTS = 5, 20
METRICS = ("click_through", "conversion", "revenue")
NOW_MS = 1_760_000_000_000


def running() -> Measured:
    """Two arms each."""
    known = Settings().known_metrics
    metrics = tuple(known[name] for name in METRICS)
    return measured(
        MeasuredExperiment(f"experiment-{n}", frozenset({"control", "treatment"}), metrics)
        for n in range(EXPERIMENTS)
    )


def arms_of(user: int) -> str:
    """One experiment of each layer."""
    each = EXPERIMENTS // LAYERS
    return arm_text(
        (f"experiment-{layer * each + user % each}", ("control", "treatment")[(user >> layer) % 2])
        for layer in range(LAYERS)
    )


def events(count: int, seed: int) -> list[Incoming]:
    """In the order of their times, a second apart; a user comes back after some minutes."""
    draw, made, offsets = random.Random(seed), [], {"clicks": -1, "impressions": -1}
    for n in range(count):
        user, ts = draw.randrange(USERS), NOW_MS + 1_000 * n
        event: AnyEvent
        if n % 2:
            item = f"i{min(int(draw.expovariate(0.002)), ITEMS - 1)}"
            event = Click(event_id=f"e{n}", ts=ts, user_id=f"u{user}", item_id=item)
        else:
            items = [f"i{each}" for each in draw.sample(range(ITEMS), PLACES)]
            event = Impression(
                event_id=f"e{n}", ts=ts, user_id=f"u{user}", slate_id=f"s{n}", items=items, arm=arms_of(user)
            )
        topic = "clicks" if n % 2 else "impressions"
        offsets[topic] += 1
        made.append(Incoming(event, Delivery(topic, offsets[topic]), ts))
    return made


def _rung(model: Path | None) -> Rung:
    return "counters" if model is None else "full"


class Way:
    """A core of its own; `spent_s`: CPU of the events so far."""

    def __init__(self, running: Measured, model: Path | None) -> None:
        self.running, self.rung = running, _rung(model)
        self.core = Recommender(Settings())
        self.core.meet([f"i{n}" for n in range(ITEMS)], NOW_MS)
        if model is not None:
            self.core.serve(load_in_service(model, Settings().model, self.core.pipeline.names))
            self.core.prepare()
        self.states: dict[str, UserState] = {}
        self.kept: dict[str, UserSlates] = {}
        self.spent_s, self.bytes = 0.0, 0

    def take(self, batch: Sequence[Incoming]) -> None:
        """Fold a batch, and pack what it comes to."""
        begun_s = time.process_time()
        out = process(self.core, batch, self.states, NOW_MS, self.rung, kept=self.kept, measured=self.running)
        for state in out.states.values():
            digest_of(user_state_codec.encode(state))
        for kept in out.kept.values():
            kept_slates_codec.encode(kept)
        self.spent_s += time.process_time() - begun_s
        assert not out.failed
        self.states |= out.states
        self.kept |= out.kept


def main() -> None:
    """Print the medians over rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=6_000)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    none, all_of_them = Way(NOTHING_MEASURED, args.model), Way(running(), args.model)
    stream = events(args.events * (args.rounds + 1), seed=1)
    plain_us, more_us = [], []
    for number in range(args.rounds + 1):
        part = stream[number * args.events : (number + 1) * args.events]
        before = none.spent_s, all_of_them.spent_s
        for at in range(0, len(part), BATCH):
            ways = (none, all_of_them) if at // BATCH % 2 else (all_of_them, none)
            for way in ways:
                way.take(part[at : at + BATCH])
        if number:  # the first one warms up
            plain_us.append(1e6 * (none.spent_s - before[0]) / len(part))
            more_us.append(1e6 * (all_of_them.spent_s - before[1]) / len(part))
    plain, more = statistics.median(plain_us), statistics.median(more_us)
    ratio = statistics.median(b / a for a, b in zip(plain_us, more_us, strict=True))
    sizes = [
        statistics.mean(len(user_state_codec.encode(state)) for state in way.states.values())
        for way in (none, all_of_them)
    ]
    print(f"CPU of an event, median of {args.rounds} rounds: {plain:.0f} us with nothing measured")
    print(f"{more:.0f} us with {EXPERIMENTS} experiments in {LAYERS} layers x {len(METRICS)} metrics")
    print(f"ratio {ratio:.3f}; a state has {sizes[0]:.0f} and {sizes[1]:.0f} bytes")


if __name__ == "__main__":
    main()
