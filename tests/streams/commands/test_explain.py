"""`headrace explain`: what the store knows of a user, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from export.registry import Registry
from model.errors import DataError
from model.schema import F32
from streams.attribution import explained
from streams.commands import explain
from streams.commands.main import FAILED, main
from streams.events.schema import AnyEvent, Click, Item, Review
from streams.kafka.message import Message
from streams.ranking import slate as stored_slate
from streams.recommender import Recommender
from streams.serving.graph import load_graph
from streams.serving.loading import load_in_service
from streams.settings.ranking import GraphSettings
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.catalog import ItemRecord, encode_item
from streams.state.user_state import UserState
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.connected.models import register_models
from tests.streams.conftest import Small
from tests.streams.core import unit
from tests.streams.ranking.candidates.test_quotas import world as quotas_world
from tests.streams.worker.conftest import NOW_MS, Desk, click, message


async def test_the_core_and_the_user_are_those_of_the_workers(tmp_path: Path) -> None:
    store = MemoryStore()
    desk = Desk(store)
    for n in range(6):
        await desk.take(click(n, f"u{n % 2}", f"i{n % 4}"))
    settings = override(Settings(), {"model": {"registry": str(tmp_path)}})
    found = await explain.known(settings, store, "u1")
    worker = desk.replica.recommender
    assert [worker.catalog.ids[row] for row in found.state.items] == ["i1", "i3", "i1"]
    assert found.recommender.catalog.ids == worker.catalog.ids
    np.testing.assert_array_equal(
        found.recommender.counters.popularity.events[:4], worker.counters.popularity.events[:4]
    )
    with pytest.raises(DataError, match="nothing is known of user 'nobody'"):
        await explain.known(settings, store, "nobody")


GRAPH = "head,relation,tail\n" + "".join(f"i{n},by,p{n % 4}\n" for n in range(24))
USERS = 6


def announced(at_ms: int) -> list[Message]:
    """Items with texts, one of them twice. Events name others, too, that nobody announced."""
    sent = [
        Item(
            event_id=f"a{n}",
            ts=at_ms - 10**9 + n,
            item_id=f"i{n}",
            title=f"Title {n % 5}",
            tags=[f"t{n % 3}"],
        )
        for n in range(20)
    ]
    sent.append(Item(event_id="again", ts=at_ms - 1_000, item_id="i3", title="Another title", price=5.0))
    return [message(each, n) for n, each in enumerate(sent)]


def encoded(texts: Sequence[str]) -> F32:
    """A vector for each text that depends on nothing else."""
    return np.stack([unit(np.random.default_rng(list(text.encode())).normal(size=64)) for text in texts])


async def live(store: MemoryStore, settings: Settings) -> Desk:
    """A worker with graph, texts and model after a few hundred events of some days."""
    desk = Desk(store, settings)
    desk.batches.reader.encode = encoded
    desk.replica.graph = load_graph(settings.graph)
    async with desk.replica.lock:
        await desk.replica.rebuild()
        names = desk.replica.recommender.pipeline.names
        desk.replica.serve(
            load_in_service(Registry(Path(settings.model.registry)).get("m"), settings.model, names)
        )
    await desk.take(*announced(NOW_MS))
    draw, offsets = np.random.default_rng(4), {"clicks": 0, "reviews": 0}
    for n in range(150):
        carried: dict[str, Any] = {
            "event_id": f"e{n}",
            "ts": NOW_MS - (400 - n) * 3_600_000,
            "user_id": f"u{draw.integers(USERS)}",
            "item_id": f"i{draw.integers(24)}",
        }
        topic = "clicks" if n % 3 else "reviews"
        event: AnyEvent = Click(**carried) if n % 3 else Review(**carried, rating=4.0, text=f"said {n}")
        await desk.take(message(event, offsets[topic]))
        offsets[topic] += 1
    return desk


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return register_models(tmp_path_factory.mktemp("models"), ("m",)).folder


async def test_its_scores_are_those_of_the_workers_slates(
    registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For the same user, state and time; without the graph they are others."""
    (tmp_path / "kg.csv").write_text(GRAPH)
    full = dict.fromkeys(
        ("fewer_at_ms", "counters_at_ms", "popular_at_ms"), 600_000
    )  # on a busy machine, too
    tree = {
        "model": {"registry": str(registry)},
        "graph": {"triples": str(tmp_path / "kg.csv")},
        "ladder": full,
    }
    settings, store = override(Settings(), {**tree, "feed": {"size": 5}}), MemoryStore()
    desk = await live(store, settings)
    capsys.readouterr()
    for user in (f"u{n}" for n in range(USERS)):
        found = await explain.known(settings, store, user)
        core = desk.replica.recommender
        (shown,) = core.recommend([core.request(found.state, NOW_MS + 5, user=user)])
        assert shown.model == "m"
        places = explained(found.recommender, found.state, NOW_MS + 5)
        assert [(each.item_id, round(each.score, 6), each.reason) for each in places] == [
            (each.item_id, each.score, each.reason) for each in shown.items
        ]
        assert len(places) == 5
        assert "was made" not in capsys.readouterr().err
        bare = await explain.known(msgspec.structs.replace(settings, graph=GraphSettings()), store, user)
        other = explained(bare.recommender, bare.state, NOW_MS + 5)
        assert [each.score for each in other] != [each.score for each in places]
    slate = stored_slate.decode(feed_of(await store.feed("u0")))
    await store.put_feed("u0", stored_slate.encode(msgspec.structs.replace(slate, rung="counters", model="")))
    await explain.known(settings, store, "u0")
    assert "made with no model on rung counters; this is 'm' on rung full" in capsys.readouterr().err


async def test_it_writes_nothing_to_the_store() -> None:
    """Not even where the list of withdrawn items is to be mended: that is for the workers."""
    store = MemoryStore()
    record = encode_item(ItemRecord("i", NOW_MS, available=False))
    await store.intern(["i"])
    states = {"u": user_state_codec.encode(UserState())}
    await store.commit(Commit({}, {}, states, {}, {"i": record}), "an older build")
    settings = override(Settings(), {"model": {"registry": "none"}})
    await explain.known(settings, store, "u")
    assert (await store.withdrawals("")).changes == {}


def feed_of(raw: bytes | None) -> bytes:
    assert raw is not None
    return raw


@pytest.fixture
def stored(followed: Small, monkeypatch: pytest.MonkeyPatch) -> explain.LoadedUser:
    """The command's store holds what the trained core knows."""
    run = followed.run
    state = max(run.states.values(), key=lambda each: each.interactions)
    known = explain.LoadedUser(run.recommender, state, int(run.stream.interactions.ts_ms[run.at]))

    async def read(_settings: Settings, _user: str) -> explain.LoadedUser:
        return known

    monkeypatch.setattr(explain, "_known", read)
    return known


def test_each_place_is_shown_with_what_it_is_worth(
    stored: explain.LoadedUser, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--user", "u1", "--places", "2", "--history", "3"]) == 0
    shown = capsys.readouterr().out
    for place in explained(*stored, places=2, history=3):
        assert place.item_id in shown
        for item_id, worth in place.worth:
            assert f"{worth:+.3f}" in shown
            assert item_id in shown
    assert len(shown.strip().splitlines()) == 1 + 2 * 3


def test_an_unknown_item_is_said(stored: explain.LoadedUser, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--user", "u1", "--item", "no such"]) == FAILED
    assert "'no such' was never met" in capsys.readouterr().err


def test_what_sources_earned_and_their_quotas_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    made = quotas_world()
    explain._show_sources(made.core)
    told = capsys.readouterr().out
    lines = {line.split()[0]: line for line in told.splitlines() if line.strip()}
    assert "of the pool (earned)" in lines["source"]
    assert made.core.earnings is not None
    earned = made.core.earnings.report()["nearest"]
    assert f"{earned.clicks:.1f}" in lines["nearest"]
    assert f"{earned.rate:.4f}" in lines["nearest"]
    assert lines["nearest"].split()[-1] == f"{made.core.quotas()['earned']['nearest']:.1%}"
    explain._show_sources(Recommender(Settings()))
    assert capsys.readouterr().out == ""
