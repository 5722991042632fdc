"""Experiments' sums are what a plain recomputation from the events says, to the unit, however they come."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import msgspec
import pytest

from streams.batch import BatchResult, Incoming, process
from streams.events.schema import TOPIC_OF, AnyEvent, Impression
from streams.experiments.measured import Measured, MeasuredExperiment, measured
from streams.experiments.metrics import CROSSED, known_metrics
from streams.experiments.quantities import GAP_MS
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import UserSlates
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from streams.state.user_sums import MOMENTS_MOST, NOT_MEASURED
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.experiments.recomputed import DAY_MS, Event, Numbers, recomputed
from tests.streams.experiments.sums import sums_in

START_MS = 1_700_000_000_000
ITEMS = [f"i{n}" for n in range(8)]
METRICS = (
    "click_through", "conversion", "revenue", "dwell", "dislikes", "rating", "sessions", "session_length",
    "return_7_days",
)  # fmt: skip
ARMS = {"ranking": ("bold", "plain"), "look": ("a", "b")}
KNOWN = known_metrics({}, Settings().meanings)


def experiment(name: str, *metrics: str, **more: Any) -> MeasuredExperiment:
    chosen = tuple(KNOWN[metric] for metric in metrics or METRICS)
    return MeasuredExperiment(name, frozenset(ARMS[name]), chosen, **more)


TEXTS = ("default", "ranking=bold", "ranking=plain", "look=a,ranking=bold", "look=b", "ranking=other", "bold")


def drawn_events(random: Random) -> list[Event]:
    """Of three users, with no more than are kept of each. Their times are close together, or a session, some
    days, or weeks apart. Two users mostly see one arm of an experiment.
    """
    events: list[Event] = []
    for user, texts in (("ann", TEXTS), ("bob", TEXTS[1:2] + TEXTS[:1]), ("eve", TEXTS[3:5])):
        ts = START_MS + random.randint(0, 6 * DAY_MS)
        for n in range(random.randint(0, MOMENTS_MOST)):
            ts += random.choice(
                [0, 1, 40_000, GAP_MS - 1, GAP_MS, GAP_MS + 1, 3 * GAP_MS, DAY_MS, 3 * DAY_MS]
            )
            event: dict[str, Any] = {"event_id": f"{user}{n}", "ts": ts, "user_id": user}
            kind = random.choice(["click", "click", "review", "impression", "impression"])
            if kind == "impression":
                shown = random.sample(ITEMS, random.randint(1, len(ITEMS)))
                event |= {"slate_id": f"s{n}", "items": shown, "arm": random.choice(texts)}
            else:
                event["item_id"] = random.choice(ITEMS)
            if kind == "review":
                event["value"] = 3.5  # which is no rating
            if kind == "review" and random.random() < 0.7:
                event["rating"] = random.choice([1, 2.5, 4.25, random.uniform(1, 5)])
            if kind == "click":
                event["action"] = random.choice(["click", "click", "purchase", "play", "dislike", "like"])
                if random.random() < 0.7:
                    event["value"] = random.choice([0.0, 0.125, 19.99, random.uniform(0, 2_000)])
            events.append({"type": kind, **event})
    return events


class Worker:
    """Folds batches and writes them, as a worker does; what it holds at hand may be lost at any time."""

    def __init__(self, measured: Measured) -> None:
        self.measured, self.store = measured, MemoryStore()
        self.core = Recommender(Settings())
        self.core.meet(ITEMS, START_MS)
        self.offsets: dict[str, int] = {}

    async def take(self, batch: list[Event]) -> BatchResult:
        names = list(dict.fromkeys(event["user_id"] for event in batch))
        loaded = await self.store.load(names, ["p"], names)
        states = {name: user_state_codec.decode(raw) for name, raw in zip(names, loaded.states, strict=True)}
        kept = {name: kept_slates_codec.decode(raw) for name, raw in zip(names, loaded.slates, strict=True)}
        out = self.fold(batch, states, kept)
        assert not out.failed
        await self.store.commit(
            Commit(
                loaded.progress,
                {"p": loaded.progress["p"] + 1},
                {name: user_state_codec.encode(state) for name, state in out.states.items()},
                {},
                {},
                slates={name: kept_slates_codec.encode(each) for name, each in out.kept.items()},
                arm_sums=out.arm_sums,
            ),
            "w",
        )
        return out

    def fold(
        self, batch: list[Event], states: dict[str, UserState], kept: dict[str, UserSlates]
    ) -> BatchResult:
        incoming = []
        for raw in batch:
            event = msgspec.convert(raw, AnyEvent)
            topic = TOPIC_OF[type(event)]
            self.offsets[topic] = self.offsets.get(topic, -1) + 1
            incoming.append(Incoming(event, Delivery(topic, self.offsets[topic]), event.ts))
        return process(
            self.core, incoming, states, START_MS + 30 * DAY_MS, "popular", kept=kept, measured=self.measured
        )

    async def sums(self, name: str) -> Numbers:
        return await sums_in(self.store, name)


@pytest.mark.parametrize("window_ms", [None, 3 * DAY_MS])
@pytest.mark.parametrize("seed", range(25))
async def test_sums_are_those_of_a_recomputation(window_ms: int | None, seed: int) -> None:
    """In any order, cut anywhere, with events that come again, and folds that are never written."""
    random = Random(seed)
    events = drawn_events(random)
    bounds: dict[str, Any] = {
        "begins_ms": START_MS + DAY_MS,
        "ends_ms": START_MS + 22 * DAY_MS,
        "window_ms": window_ms,
    }
    running = measured([experiment("ranking", **bounds), experiment("look", "click_through", "revenue")])
    worker = Worker(running)
    delivered = [*events, *random.sample(events, len(events) // 3)]
    random.shuffle(delivered)
    while delivered:
        size = random.randint(1, 9)
        batch, delivered = delivered[:size], delivered[size:]
        if random.random() < 0.3:
            worker.fold(batch, {}, {})  # the process is killed before it writes
        await worker.take(batch)
    expected = recomputed(events, "ranking", ARMS["ranking"], METRICS, **bounds)
    assert await worker.sums("ranking") == expected
    expected = recomputed(events, "look", ARMS["look"], ("click_through", "revenue"))
    assert await worker.sums("look") == expected


@pytest.mark.parametrize("seed", range(5))
async def test_who_is_deleted_is_worth_nothing_to_any_sum(seed: int) -> None:
    events = drawn_events(Random(seed))
    worker = Worker(measured([experiment("ranking"), experiment("look", "click_through", "revenue")]))
    for event in events:
        await worker.take([event])
    gone = events[0]["user_id"]
    deletion = {"type": "forget", "event_id": "f", "ts": START_MS + 25 * DAY_MS, "user_id": gone}
    await worker.take([deletion])
    others = [event for event in events if event["user_id"] != gone]
    assert others
    for name, metrics in (("ranking", METRICS), ("look", ("click_through", "revenue"))):
        expected = recomputed(others, name, ARMS[name], metrics)
        found = {key: numbers for key, numbers in (await worker.sums(name)).items() if any(numbers)}
        assert found == {key: numbers for key, numbers in expected.items() if any(numbers)}


def click(n: int, ts: int, **more: Any) -> Event:
    return {"type": "click", "event_id": f"c{n}", "ts": ts, "user_id": "ann", "item_id": "i1", **more}


def shown(n: int, ts: int, arm: str, **more: Any) -> Event:
    return {
        "type": "impression", "event_id": f"s{n}", "ts": ts, "user_id": "ann", "slate_id": f"s{n}",
        "items": ["i2", "i3"], "arm": arm, **more,
    }  # fmt: skip


async def test_nobody_counts_who_was_shown_nothing() -> None:
    worker = Worker(measured([experiment("ranking")]))
    await worker.take([click(1, START_MS, arm="ranking=bold"), shown(1, START_MS + 1, "look=a")])
    assert await worker.sums("ranking") == {}


async def test_the_first_arm_counts_and_those_who_cross_over_are_told_apart() -> None:
    worker = Worker(measured([experiment("ranking", "click_through")]))
    await worker.take([shown(1, START_MS, "ranking=bold"), click(1, START_MS + 1)])
    await worker.take([shown(2, START_MS + 2, "ranking=plain"), click(2, START_MS + 3)])
    sums = await worker.sums("ranking")
    assert sums["bold", "click_through"][:5] == [1, 2, 4, 0, 0]
    assert sums["bold", CROSSED][0] == 1
    assert ("plain", "click_through") not in sums
    # An earlier impression comes late: it was of the other arm.
    await worker.take([shown(3, START_MS - 1, "ranking=plain")])
    sums = await worker.sums("ranking")
    assert sums["plain", "click_through"][:5] == [1, 2, 6, 0, 0]
    assert sums["plain", CROSSED][0] == 1
    assert {key for key, numbers in sums.items() if any(numbers)} == {
        ("plain", "click_through"),
        ("plain", CROSSED),
    }


async def test_an_impression_that_names_no_arm_is_of_its_slates_arm() -> None:
    worker = Worker(measured([experiment("ranking", "click_through")]))
    out = worker.fold([click(1, START_MS)], {}, {})
    slate = msgspec.structs.replace(out.kept["ann"].slates[0], arm="ranking=bold")
    kept = {"ann": UserSlates((slate,))}
    event = shown(1, START_MS + 9, "default", slate_id=slate.slate_id)
    out = worker.fold([event], out.states, kept)
    assert [name.split(":")[0] for name in out.arm_sums["ranking"]] == ["bold"] * len(out.arm_sums["ranking"])


async def test_what_was_before_an_experiment_ran_is_read_off_the_history() -> None:
    worker = Worker(measured([]))
    await worker.take([click(n, START_MS + n, action="purchase") for n in range(5)])
    worker.measured = measured([experiment("ranking", "conversion", "sessions")])
    await worker.take([shown(1, START_MS + 10, "ranking=bold")])
    sums = await worker.sums("ranking")
    assert sums["bold", "conversion"][:5] == [1, 0, 1, 1, 1]
    assert sums["bold", "sessions"][:5] == [1, 1, 1, 1, 1]


async def test_what_was_shown_is_measured_as_the_worker_knows_it() -> None:
    worker = Worker(measured([experiment("ranking", "diversity", "novelty", "coverage", "latency")]))
    items: list[Event] = [
        {"type": "item", "event_id": f"x{n}", "ts": START_MS, "item_id": f"i{n}", "categories": kinds}
        for n, kinds in ((2, ["a", "b"]), (3, ["a"]), (4, ["c"]))
    ]
    worker.fold(items, {}, {})
    worker.fold([click(1, START_MS, user_id="bob", item_id="i2")], {}, {})
    first = shown(1, START_MS + 1, "ranking=bold", items=["i2", "i3", "i4", "i5"])
    await worker.take([first, shown(2, START_MS + 2, "ranking=bold", items=["i2", "i6"])])
    await worker.take([click(2, START_MS + 30 * DAY_MS - 40)])
    sums = await worker.sums("ranking")
    assert sums["bold", "diversity"][:3] == [1, 2 + 1, 6]
    assert sums["bold", "coverage"][:3] == [1, 4 + 1, 6]
    # Of eight items and one event: log2(9 / 2) for i2, twice, and log2(9) for the others.
    assert sums["bold", "novelty"][:3] == [1, round(2 * math.log2(4.5) + 4 * math.log2(9)), 6]
    assert sums["bold", "latency"][:3] == [1, 4, 1]


async def test_as_many_moments_count_as_before_as_are_kept() -> None:
    worker = Worker(measured([experiment("ranking", "click_through")]))
    for n in range(MOMENTS_MOST + 20):
        await worker.take([click(n, START_MS + n)])
    await worker.take([shown(1, START_MS + 10_000, "ranking=bold")])
    assert (await worker.sums("ranking"))["bold", "click_through"][:5] == [1, 0, 2, MOMENTS_MOST, 0]


async def test_where_nothing_is_measured_an_impression_changes_no_state() -> None:
    worker = Worker(measured([]))
    out = await worker.take([shown(1, START_MS, "ranking=bold"), click(1, START_MS + 1)])
    assert out.arm_sums == {}
    assert out.states["ann"].sums == NOT_MEASURED
    impression = msgspec.convert(shown(2, START_MS + 2, "ranking=bold"), AnyEvent)
    assert isinstance(impression, Impression)
    assert worker.fold([shown(2, START_MS + 2, "ranking=bold")], {}, {}).states == {}


async def test_a_metric_that_is_defined_anew_begins_anew() -> None:
    """Users count in it from their next event on, each once."""
    worker = Worker(measured([experiment("ranking", "click_through")]))
    await worker.take([shown(1, START_MS, "ranking=bold"), click(1, START_MS + 1)])
    worker.measured = measured([experiment("ranking", "click_through", "revenue")])
    await worker.take([click(2, START_MS + 2, action="purchase", value=2.5)])
    sums = await worker.sums("ranking")
    assert sums["bold", "click_through"][:3] == [1, 1, 2]
    assert sums["bold", "revenue"][:3] == [1, 250, 1]


async def test_an_experiment_that_is_over_leaves_states_and_its_sums_stay() -> None:
    running = experiment("ranking", "click_through")
    worker = Worker(measured([running]))
    await worker.take([shown(1, START_MS, "ranking=bold"), click(1, START_MS + 1)])
    before = await worker.sums("ranking")
    worker.measured = measured([experiment("look", "click_through")], over=[running.key])
    out = await worker.take([click(2, START_MS + 2)])
    assert out.states["ann"].sums.exposures == ()
    assert await worker.sums("ranking") == before
    # A worker that does not know of it leaves what others count as it is.
    worker = Worker(measured([running]))
    await worker.take([shown(1, START_MS, "ranking=bold")])
    worker.measured = measured([experiment("look", "click_through")])
    out = await worker.take([click(2, START_MS + 2)])
    assert [each.key for each in out.states["ann"].sums.exposures] == [running.key]
