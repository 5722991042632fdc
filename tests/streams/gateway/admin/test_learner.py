"""/v1/admin/learner: what the newest snapshot says of what was learned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.hot_routes import Gateway
from streams.learning.experts.level_state import GLOBAL, MIXTURE
from streams.recommender import Recommender
from streams.serving.kept_counters import copied
from streams.serving.learner_course import NOTE, Course, LevelPoint, Point, encode_course
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.ledger_entries import Snapshot
from streams.stores.memory import MemoryStore
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

PATH = "/v1/admin/learner"
Client = TestClient[Gateway]
ADAPTING = override(Settings(), {"reweighting": {"enabled": True}, "candidates": {"quotas": "mean"}})


@pytest.fixture(params=[Settings(), ADAPTING], ids=["counting", "adapting"])
def settings(request: pytest.FixtureRequest) -> Settings:
    found: Settings = request.param
    return found


@pytest.fixture
def client(settings: Settings, store: MemoryStore) -> Iterator[Client]:
    with TestClient(create_app(settings, store, RecordingSink(), ManualClock(NOW_MS))) as client:
        yield client


def save(client: Client, store: MemoryStore, recommender: Recommender, position: str) -> None:
    payload = copied(recommender).pack()
    client.blocking_portal.call(store.save_snapshot, Snapshot(position, "w", position, payload))


def test_without_a_snapshot_nothing_is_known(client: Client) -> None:
    answer = client.get(PATH)
    assert (answer.status_code, answer.json()["reason"]) == (404, "no_snapshot")


def test_it_tells_what_the_learner_reports(client: Client, store: MemoryStore, settings: Settings) -> None:
    recommender = Recommender(settings)
    recommender.look_back()
    recommender.learned_to = "4-0"
    save(client, store, recommender, "5-1")
    told = client.get(PATH).json()
    assert (told["as_of_ms"], told["learned_to"]) == (5, "4-0")
    assert told["counts"] == dict(recommender.learner.counts())
    report = recommender.report
    assert told["adapts"] == (report is not None)
    if report is None:
        assert (told["levels"], told["sources"]) == ({}, {})
        return
    level = told["levels"][GLOBAL]
    assert told["signals"] == list(report.signals)
    assert level["weights"] == pytest.approx(dict(report.levels[GLOBAL].weights))
    assert MIXTURE in level["losses"]
    guard = report.levels[GLOBAL].guard
    assert level["guard"]["on"] == guard.on
    assert level["guard"]["in_force"] == ("adapted" if guard.on else "frozen")
    assert level["guard"]["switches_at"] == pytest.approx(1 / settings.reweighting.guard_alpha)
    assert level["guard"]["wealth"] == pytest.approx([1.0] * (2 + len(settings.reweighting.doubts)))
    assert level["guard"]["slates"] == 0
    assert told["sources"] == {name: earned._asdict() for name, earned in recommender.earned.items()}


def test_a_newer_snapshot_is_read(client: Client, store: MemoryStore, settings: Settings) -> None:
    for position in ("5-1", "9-0"):
        save(client, store, Recommender(settings), position)
        assert client.get(PATH).json()["as_of_ms"] == int(position[0])


def test_a_snapshot_that_can_not_be_read_is_said(client: Client, store: MemoryStore) -> None:
    client.blocking_portal.call(store.save_snapshot, Snapshot("5-1", "w", "5-1", b"nothing"))
    answer = client.get(PATH)
    assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable")


def test_what_was_noted_over_time_is_told_by_level(client: Client, store: MemoryStore) -> None:
    assert client.get(f"{PATH}/course").json() == {"levels": {}}
    first = Point(5, {"global": LevelPoint(1, [0.75, 0.25], 0.5, False, 0.1)})
    below = LevelPoint(3, [0.5, 0.25, 0.25], 0.375, True, -0.5)
    second = Point(9, {"global": LevelPoint(8, [0.5, 0.5], 0.25, True, 1.5), "arm:bold": below})
    course = Course(experts=["frozen", "kalman:1", "global"], points=[first, second])
    client.blocking_portal.call(store.put_note, NOTE, encode_course(course), "", 1_000_000)
    told = client.get(f"{PATH}/course").json()["levels"]
    assert told["global"] == {
        "times": [5, 9],
        "lessons": [1, 8],
        "weights": {"frozen": [0.75, 0.5], "kalman:1": [0.25, 0.5]},
        "loss": [0.5, 0.25],
        "on": [False, True],
        "evidence": [0.1, 1.5],
    }
    assert told["arm:bold"]["weights"] == {"frozen": [0.5], "kalman:1": [0.25], "global": [0.25]}
