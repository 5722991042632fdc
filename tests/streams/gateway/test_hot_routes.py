"""The plain routes give the same bytes as the described ones, and the described ones as before they were."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry

from model.actions import ACTIONS
from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.events.schema import AnyEvent, Impression
from streams.gateway import impressions
from streams.gateway.app import create_app
from streams.gateway.filling import filling, shown, without
from streams.gateway.hot_routes import Gateway, feed_query
from streams.ranking.slate import PopularFeed, Reason, Slate, SlateItem, encode
from streams.settings.processes import GatewaySettings
from streams.settings.tree import Settings
from streams.state import user_state_codec
from streams.state.consumed import Consumed
from streams.state.user_state import UserState
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.gateway.asgi_requests import HELD, HOST, Asked, Sent, ask
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.test_any_request import BODIES, damaged_arrays

SETTINGS = Settings(gateway=GatewaySettings(events_max=5, body_max_bytes=4_000, timeout_ms=2_000))
CLICK = {"type": "click", "event_id": "e1", "ts": NOW_MS, "user_id": "u", "item_id": "i"}


class World(NamedTuple):
    """A gateway around a store, and everything that shows what it did."""

    app: Gateway
    store: MemoryStore
    sink: RecordingSink
    registry: CollectorRegistry

    def forget(self) -> None:
        """Empty the store and the sink, as a restart without persistence does."""
        self.store.__init__()  # type: ignore[misc]
        self.sink.__init__()  # type: ignore[misc]

    def counted(self) -> dict[tuple[str, ...], float]:
        """The counters, but for how long something took."""
        return {
            (sample.name, *itertools.chain(*sorted(sample.labels.items()))): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name.startswith("headrace_gateway") and sample.name.endswith(("_total", "_count"))
        }

    def told(self) -> list[AnyEvent]:
        """What was written; an impression has an id that nobody can foresee."""
        return [
            msgspec.structs.replace(event, event_id="") if isinstance(event, Impression) else event
            for event in self.sink.delivered
        ]


def world() -> World:
    store, sink, registry = MemoryStore(), RecordingSink(), CollectorRegistry()
    return World(create_app(SETTINGS, store, sink, ManualClock(NOW_MS), registry), store, sink, registry)


class Effect(NamedTuple):
    """All that requests led to: the answers, what was written to Kafka, and by how much counters grew."""

    answers: list[Sent]
    told: list[AnyEvent]
    counted: dict[tuple[str, ...], float]


class BothWays:
    """Two equal gateways that run. One is asked by its plain routes, the other by the described ones."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.plain, self.described = world(), world()
        self.ending = asyncio.Event()
        runner.run(self._start())

    async def _start(self) -> None:
        started = asyncio.Event()

        async def hold() -> None:
            async with self.plain.app.described.lifespan(), self.described.app.described.lifespan():
                started.set()
                await self.ending.wait()

        self.running = asyncio.create_task(hold())
        await started.wait()

    async def _end(self) -> None:
        self.ending.set()
        await self.running

    def close(self) -> None:
        self.runner.run(self._end())

    def ask(
        self, asked: Sequence[Asked], contents: Commit | None = None, confirms: int = 1_000_000
    ) -> list[Sent]:
        """The answers, once they are known to be the same by both ways, with all that they led to."""
        for here in (self.plain, self.described):
            here.forget()
            here.sink.confirms = confirms
            if contents is not None:
                self.runner.run(here.store.commit(contents, "worker"))
        by_plain = self._effect(self.plain, self.plain.app, asked)
        by_litestar = self._effect(self.described, self.described.app.described, asked)
        for request, one, other in zip(asked, by_plain.answers, by_litestar.answers, strict=True):
            assert one == other, request
        assert by_plain == by_litestar
        return by_plain.answers

    def _effect(self, here: World, app: ASGIApp, asked: Sequence[Asked]) -> Effect:
        before = here.counted()

        async def run() -> list[Sent]:
            answers = [await ask(app, each) for each in asked]
            async with asyncio.timeout(60):
                while here.registry.get_sample_value("headrace_gateway_impressions_waiting"):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            return answers

        with pytest.MonkeyPatch.context() as patch:
            numbers = itertools.count()  # a stranger's slate has a random id; both ways get the same ones
            patch.setattr("streams.gateway.shelf.uuid.uuid4", lambda: uuid.UUID(int=next(numbers)))
            patch.setattr(secrets, "token_hex", lambda size: next(numbers).to_bytes(size).hex())  # a write's
            answers = self.runner.run(run())
        grown = {name: value - before.get(name, 0.0) for name, value in here.counted().items()}
        return Effect(answers, here.told(), {name: by for name, by in grown.items() if by})


@pytest.fixture(scope="module")
def both() -> Iterator[BothWays]:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(impressions, "GATHER_S", 0.0)
        ways = BothWays(runner)
        yield ways
        ways.close()


# What the store may hold

ITEMS = st.lists(st.sampled_from([f"i{k}" for k in range(30)]), unique=True, max_size=20)
REASONS = st.builds(
    Reason,
    st.sampled_from(["after", "shares", "popular"]),
    st.none() | st.sampled_from(["i1", 'q"\\', "ü"]),
    st.none() | st.text(max_size=5),
)
SCORES = st.floats(-1e9, 1e9) | st.sampled_from([0.0, -0.0, 1e-300, 1.0, 1e22])
LETTERS = st.characters(codec="utf-8")


@st.composite
def slates(draw: st.DrawFn, user: str) -> Slate:
    items = [
        SlateItem(item, draw(SCORES), draw(st.sampled_from(["transitions", "fresh"])), draw(REASONS))
        for item in draw(ITEMS)
    ]
    return Slate(
        draw(st.text(LETTERS, min_size=1, max_size=8)),
        user,
        draw(st.integers(0, 2**45)),
        items,
        draw(st.sampled_from(["m1", ""])),
        draw(st.sampled_from(["full", "fewer", "counters", "popular", "of a later build"])),
        draw(st.sampled_from(["default", "b"])),
        draw(st.text(LETTERS, max_size=5)),
        draw(st.dictionaries(st.sampled_from(["event", "accepted", "pushed"]), SCORES, max_size=3)),
        draw(st.none() | st.just([0.5] * len(items))),
    )


@st.composite
def stored(draw: st.DrawFn) -> dict[str, Any]:
    """Slates of some users, the popular feed, what was met and what is withdrawn."""
    own = {user: draw(slates(user)) for user in draw(st.sets(st.sampled_from(["a", "b", "ü c"])))}
    popular = None
    if draw(st.booleans()):
        ids = draw(ITEMS)
        places = [SlateItem(item, draw(SCORES), "popular", Reason("popular")) for item in ids]
        popular = PopularFeed("p", "", NOW_MS - 9, places, "", "popular", rows=list(range(len(ids))))
    met = draw(st.sets(st.integers(0, 20), max_size=8))
    return {"own": own, "popular": popular, "met": sorted(met), "gone": draw(ITEMS)}


def state_of(met: list[int]) -> UserState:
    rows = np.array(met, np.int32)
    return UserState(consumed=Consumed(((ACTIONS.index("click"), rows),) if len(rows) else ()))


def contents_of(drawn: Mapping[str, Any]) -> Commit:
    feeds = {user: encode(slate) for user, slate in drawn["own"].items()}
    if drawn["popular"] is not None:
        feeds[""] = encode(drawn["popular"])
    states = {user: user_state_codec.encode(state_of(drawn["met"])) for user in ("a", "new")}
    gone = drawn["gone"]
    return Commit({}, {}, states, feeds, dict.fromkeys(gone, b"record"), withdrawn=dict.fromkeys(gone, True))


def feed_before(drawn: Mapping[str, Any], user: str, n: int) -> bytes | None:
    """The body as it was made before there was a plain route; None where its slate id is a random one."""
    gone = set(drawn["gone"])
    own, popular = drawn["own"].get(user), drawn["popular"]
    kept = without([] if own is None else own.items, gone)
    if own is not None and len(kept) >= n:
        slate, own_places = shown(own, kept[:n], [], own.ts), n
    elif own is None:
        return None
    else:
        met = state_of(drawn["met"] if user in ("a", "new") else []).consumed
        blocking = SETTINGS.meanings.blocking
        filled = [] if popular is None else filling(popular, met, blocking, gone, kept, n - len(kept))
        slate = shown(own, kept, filled, own.ts if popular is None else popular.ts)
        own_places = len(kept)
    items = [
        {
            "item_id": item.item_id,
            "score": item.score,
            "source": item.source,
            "reason": {
                "kind": item.reason.kind,
                "item_id": item.reason.item_id,
                "text": item.reason.text,
            },
            "feed": "own" if place < own_places else "popular",
        }
        for place, item in enumerate(slate.items)
    ]
    told = {"user_id": user, "slate_id": slate.slate_id, "ts": slate.ts, "items": items}
    told |= {"model": slate.model, "rung": slate.rung, "arm": slate.arm, "cause": slate.cause}
    return msgspec.json.encode(told | {"times": slate.times})


WRITTEN = """
n=1 n=3 n=20 n=10&impression=false impression=true impression=false&n=2 n=0 n=21 n=-1 n= n=x n=1.5 n=+1 n=007
n=%31 n=1&n=2 N=3 impression=0 impression=yes impression= n=1& &n=1 n=1;n=2 x=1 n=1&x=%ff impression=TRUE
n=1_0 n=99999999999999999999 n=5&impression=true&n=6 n=5%20 n=%D9%A1 impression=true&impression=false n=3#n=4
"""
QUERIES = st.sampled_from([b"", *WRITTEN.encode().split()]) | st.binary(max_size=12).map(
    lambda raw: quote(raw, safe="&=").encode()
)
USERS = st.sampled_from(["a", "b", "ü c", "new", ".", "..", "%", "x" * 128, "x" * 129, " ", "a/b", "\x00"])
METHODS = st.sampled_from(["GET"] * 6 + ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE"])
TAILS = st.sampled_from([b"/feed"] * 6 + [b"/feed/", b"//feed", b"/feed/x", b"/Feed", b"", b"/"])
HEADERS = st.sampled_from(
    [(HOST,)] * 5
    + [(), ((b"host", b"bad host"),), ((b"host", b"a<b"),), (HOST, (b"host", b"\xff")), ((b"host", b""),)]
    + [(HOST, (b"accept", b"text/html")), (HOST, (b"content-type", b"text/plain"))]
)


@st.composite
def feed_requests(draw: st.DrawFn) -> Asked:
    user = quote(
        (draw(USERS) if draw(st.booleans()) else draw(st.text(LETTERS, max_size=6))).encode(), safe=""
    )
    target = b"/v1/users/" + user.encode() + draw(TAILS)
    query = draw(QUERIES)
    return Asked(draw(METHODS), target + (b"?" + query if query else b""), draw(HEADERS))


@settings(max_examples=150, deadline=None)
@given(drawn=stored(), asked=st.lists(feed_requests(), min_size=1, max_size=6))
def test_any_read_is_answered_the_same_both_ways(
    both: BothWays, drawn: dict[str, Any], asked: list[Asked]
) -> None:
    both.ask(asked, contents_of(drawn))


@settings(max_examples=150, deadline=None)
@given(drawn=stored(), user=st.sampled_from(["a", "b", "ü c", "new"]), n=st.integers(1, 20))
def test_a_feed_is_what_it_was_before_there_was_a_plain_route(
    both: BothWays, drawn: dict[str, Any], user: str, n: int
) -> None:
    asked = Asked("GET", f"/v1/users/{quote(user)}/feed?n={n}".encode())
    (answer,) = both.ask([asked], contents_of(drawn))
    expected = feed_before(drawn, user, n)
    assert answer.status == 200
    assert expected is None or answer.body == expected
    assert answer.headers == [
        (b"cache-control", b"no-store"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(answer.body)),
    ]


@st.composite
def event_requests(draw: st.DrawFn) -> Asked:
    body = draw(BODIES | damaged_arrays() | st.just(json.dumps(CLICK).encode()))
    cuts = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
    parts: list[bytes | None] = [body[a:b] for a, b in itertools.pairwise([0, *cuts, len(body)])]
    if draw(st.sampled_from([False] * 9 + [True])):
        parts[-1] = None
    length = draw(
        st.sampled_from([b"%d" % len(body)] * 4 + [None, b"0", b"4001", b"-1", b"x", b"", b"+5", b"1_0"])
    )
    headers = draw(HEADERS) + (() if length is None else ((b"content-length", length),))
    target = draw(st.sampled_from([b"/v1/events"] * 6 + [b"/v1/events/", b"/v1//events", b"/v1/events?a=b"]))
    return Asked(
        draw(st.sampled_from(["POST"] * 8 + ["GET", "HEAD", "OPTIONS", "PUT"])), target, headers, parts
    )


@settings(max_examples=250, deadline=None)
@given(asked=st.lists(event_requests(), min_size=1, max_size=4))
def test_any_body_is_answered_the_same_both_ways(both: BothWays, asked: list[Asked]) -> None:
    both.ask(asked)


@pytest.mark.parametrize("length", [None, b"4001", b"9" * 15, b"10"])
def test_a_body_beyond_the_bound_is_refused_in_chunks_too(both: BothWays, length: bytes | None) -> None:
    """What the head announces is not believed: the bytes that come count."""
    headers = (HOST,) if length is None else (HOST, (b"content-length", length))
    asked = Asked("POST", b"/v1/events", headers, [b" " * 1_000] * 4 + [b" "])
    (answer,) = both.ask([asked])
    assert (answer.status, json.loads(answer.body)["reason"]) == (413, "body_too_large")


def test_a_body_that_never_ends_is_given_up(both: BothWays, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.gateway.bodies.BODY_TIMEOUT_S", 0.05)
    (answer,) = both.ask([Asked("POST", b"/v1/events", (HOST,), [b"{", HELD])])
    assert (answer.status, json.loads(answer.body)["came"]) == (408, "Request Timeout")


@pytest.mark.parametrize("error", [StoreUnavailableError("redis is away"), RuntimeError("a defect")])
def test_what_goes_wrong_is_told_the_same_both_ways(
    both: BothWays, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(users: object, states: object = ()) -> Any:
        raise error

    for here in (both.plain, both.described):
        monkeypatch.setattr(here.store, "read_feeds", fails)
    (answer,) = both.ask([Asked("GET", b"/v1/users/u/feed")])
    assert answer.status == (503 if isinstance(error, StoreUnavailableError) else 500)


def test_kafka_away_is_told_the_same_both_ways(both: BothWays) -> None:
    body = json.dumps([CLICK, {"bad": 1}]).encode()
    (answer,) = both.ask([Asked("POST", b"/v1/events", (HOST,), [body])], confirms=0)
    assert answer.status == 503
    assert (b"retry-after", b"1") in answer.headers


@pytest.mark.parametrize(
    ("asked", "hot"),
    [
        (Asked("GET", b"/v1/users/u/feed"), True),
        (Asked("GET", b"/v1/users/%C3%BC/feed?n=5"), True),
        (Asked("GET", b"/v1/users/u/feed?n=5&impression=false"), True),
        (Asked("GET", b"/v1/users/u/feed?n=x"), False),
        (Asked("GET", b"/v1/users/u/feed", root_path="/shop"), False),
        (Asked("POST", b"/v1/events", (HOST, (b"content-length", b"2")), [b"[]"]), True),
        (Asked("PUT", b"/v1/items", (HOST,), [b"[]"]), False),
        (Asked("GET", b"/healthz"), False),
    ],
)
def test_the_usual_requests_do_not_reach_the_framework(
    asked: Asked, hot: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world()
    reached = []
    real = here.app.described.__call__

    async def counted(*parts: Any) -> None:
        reached.append(asked)
        await real(*parts)

    here.app.described = counted  # type: ignore[assignment]

    async def run() -> None:
        await ask(here.app, asked)

    asyncio.run(run())
    assert (reached == []) == hot


@given(
    st.lists(st.sampled_from(["n=", "impression=", "true", "false", "&", "0", "1", "20", "x"]), max_size=8)
)
def test_a_query_that_is_read_says_what_it_says(parts: list[str]) -> None:
    query = "".join(parts)
    if (read := feed_query(query.encode())) is None:
        return
    told = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    assert read.n == next((int(value) for name, value in told if name == "n"), None)
    assert read.impression == (("impression", "false") not in told)
    assert len({name for name, _ in told}) == len(told)
