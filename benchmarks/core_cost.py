"""What an event costs the core's thread, by how many come in one batch: CPU time, and calls of Python.

    python -m benchmarks.core_cost --model var/demo/models/NAME [--batches 1,3,32] [--json]
    python -m benchmarks.core_cost --model ... --against FOLDER    another checkout, in turn with this one

The core does here what it does for a worker: it folds a batch, makes a slate for each user who acted, and
packs all of it. Every fourth event is an impression of the user's last slate. No Kafka, no store; users have
histories from a Zipf stream. *Warm*: batch after batch, as under load. *Cold*: 8 MB are written before each
batch, as the caches are when an event comes alone. The least of the rounds counts, since whatever else runs
on the machine only adds. `digest`: of all bytes that would be written; two checkouts with the same one do the
same.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is loaded: more threads only take turns

import msgspec
import numpy as np

from streams.batch import Incoming, process
from streams.bench.synthetic import catalogue, warm_core
from streams.bench.workload import draw, zipf
from streams.events.schema import AnyEvent, Click, Impression
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.ranking.slate import Slate
from streams.recommender import Recommender
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings
from streams.state.event_meaning import shown_to, user_of
from streams.state.fold import Delivery
from streams.state.user_state import EMPTY, UserState
from streams.worker.encoding import encoded
from streams.worker.look_up import BatchWork

DIM, USERS, LEARNED, NOW_MS, APART_MS = 64, 400, 20_000, 1_700_000_000_000, 40
EVENTS = 960  # of one round
COLD_BYTES = 8 * 1024 * 1024


class Cost(msgspec.Struct):
    """Microseconds of CPU an event, and calls of Python's functions and of C's an event."""

    batch: int
    warm_us: float
    cold_us: float
    calls: float


class Found(msgspec.Struct):
    """All lines of one checkout."""

    costs: list[Cost]
    digest: str


class Worker:
    """The users' values, as a worker has them at hand, and the core."""

    def __init__(self, core: Recommender, states: dict[str, UserState]) -> None:
        self.core, self.states = core, states
        self.kept: dict[str, UserSlates] = {}
        self.shown: dict[str, Slate] = {}
        self.number = 0
        self.bytes = hashlib.sha256()
        self._draws = draw(200_000, USERS, zipf(len(core.catalog.ids)), 11, clicks=1.0)

    def events(self, count: int) -> list[Incoming]:
        """The next ones: every fourth an impression of a slate, where its user has one."""
        made = []
        for _ in range(count):
            number, self.number = self.number, self.number + 1
            user = f"user-{self._draws.user[number]}"
            ts, name, slate = NOW_MS + APART_MS * number, f"event-{number}", self.shown.get(user)
            event: AnyEvent
            if number % 4 == 0 and slate is not None:
                items = [entry.item_id for entry in slate.items]
                event = Impression(event_id=name, ts=ts, user_id=user, items=items, slate_id=slate.slate_id)
            else:
                item = self.core.catalog.ids[self._draws.item[number]]
                event = Click(event_id=name, ts=ts, user_id=user, item_id=item)
            made.append(Incoming(event, Delivery("clicks-0", number), float(ts)))
        return made

    def fold(self, batch: Sequence[Incoming], calls: cProfile.Profile | None = None) -> float:
        """What the core does of one batch; the CPU time of this thread, in seconds."""
        now_ms = batch[-1].event.ts + 1
        users = [user for each in batch if (user := user_of(each.event) or shown_to(each.event))]
        states = {user: self.states.get(user, EMPTY) for user in users}
        kept = {user: self.kept.get(user, NOTHING_KEPT) for user in users}
        work = _work(states, kept)
        if calls is not None:
            calls.enable()
        started = time.thread_time()
        outcome = process(
            self.core,
            batch,
            states,
            now_ms,
            "full",
            kept=kept,
            passed={"begun": now_ms, "applied": now_ms},
            arm_of=self.core.arms_of,
            stages_of=self.core.worthwhile("full"),
        )
        out = encoded(work, outcome, now_ms, 1)
        spent = time.thread_time() - started
        if calls is not None:
            calls.disable()
        if outcome.failed or outcome.unranked:
            raise RuntimeError(f"expected no failures, got {outcome.failed} and {outcome.unranked}")
        self.states |= {user: each.value for user, each in out.states.items()}
        self.kept |= {user: each.value for user, each in out.slates.items()}
        self.shown |= {slate.user_id: slate for slate in outcome.slates}
        for part in (out.commit.states, out.commit.feeds, out.commit.slates):
            for user in sorted(part):
                self.bytes.update(part[user])
        self.bytes.update(out.commit.ledger)
        return spent


def _work(states: dict[str, UserState], kept: dict[str, UserSlates]) -> BatchWork:
    """Only what packing reads of it."""
    return BatchWork([], [], states, dict.fromkeys(states, ""), kept, dict.fromkeys(kept, ""), {}, {}, [])


def opened(model: Path | None, items: int, learned: int = LEARNED) -> Worker:
    """A core that serves the model, if any, of a catalogue and users that have a past."""
    settings = Settings()
    core, states = warm_core(settings, catalogue(items, DIM, NOW_MS, 7), USERS, learned, NOW_MS, 7)
    if model is not None:
        core.serve(load_in_service(model, settings.model, core.pipeline.names))
    core.prepare()
    return Worker(core, states)


def cost(worker: Worker, batch: int, rounds: int) -> Cost:
    """The least of the rounds, warm and cold in turn."""
    trash, best = np.ones(COLD_BYTES // 8), [np.inf, np.inf]
    for _ in range(rounds):
        for cold in (False, True):
            count = EVENTS // 4 if cold else EVENTS
            spent = 0.0
            for _ in range(max(count // batch, 1)):
                events = worker.events(batch)
                if cold:
                    trash += 1.0
                spent += worker.fold(events)
            best[cold] = min(best[cold], spent / (max(count // batch, 1) * batch) * 1e6)
    calls = cProfile.Profile()
    runs = max(96 // batch, 1)  # of the profile
    parts = [worker.events(batch) for _ in range(runs)]
    for part in parts:
        worker.fold(part, calls)
    called = sum(each.callcount for each in calls.getstats()) / (runs * batch)
    return Cost(batch, round(best[0]), round(best[1]), round(called))


def measured(args: argparse.Namespace) -> Found:
    """All lines of this checkout."""
    worker = opened(args.model, args.items)
    for _ in range(30):
        worker.fold(worker.events(8))
    costs = [cost(worker, int(batch), args.rounds) for batch in args.batches.split(",")]
    return Found(costs, worker.bytes.hexdigest())


def main() -> None:
    """Measure, and print a line for each size of batch; `--against`: both checkouts, in turn."""
    parser = argparse.ArgumentParser(description="What an event costs the core's thread.")
    parser.add_argument("--model", required=True, type=Path, help="a model's folder in its registry")
    parser.add_argument("--items", type=int, default=1_700)
    parser.add_argument("--batches", default="1,3,32", metavar="SIZE,SIZE")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout with its own .venv")
    parser.add_argument("--turns", type=int, default=3, help="of both checkouts, with --against (3)")
    parser.add_argument("--json", action="store_true", help="one line for programs")
    args = parser.parse_args()
    if args.against is not None:
        _compared(args)
        return
    found = measured(args)
    if args.json:
        print(json.dumps(msgspec.to_builtins(found)))
        return
    for each in found.costs:
        print(
            f"batches of {each.batch:3}: warm {each.warm_us:6.0f} us an event, cold {each.cold_us:6.0f},"
            f" {each.calls:5.0f} calls"
        )
    print(f"digest {found.digest[:16]}")


def _compared(args: argparse.Namespace) -> None:
    from benchmarks.two_checkouts import in_turn  # not above: this file also runs in checkouts without it

    words = ["--model", str(args.model.resolve()), "--items", str(args.items)]
    words += ["--batches", args.batches, "--rounds", str(args.rounds), "--json"]
    lines = in_turn(__file__, words, args.against, args.turns)
    before, now = ([msgspec.json.decode(line, type=Found) for line in side] for side in lines)
    for at, size in enumerate(args.batches.split(",")):
        parts = [f"batches of {int(size):3}:"]
        for name in ("warm_us", "cold_us", "calls"):
            old, new = (min(getattr(found.costs[at], name) for found in side) for side in (before, now))
            parts.append(f"{name.removesuffix('_us')} {old:.0f} -> {new:.0f} ({100 * (new / old - 1):+.1f}%)")
        print("  ".join(parts))
    same = len({found.digest for found in (*before, *now)}) == 1
    print("the same bytes" if same else "OTHER BYTES")


if __name__ == "__main__":
    main()
