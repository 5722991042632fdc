"""Which alarms are told, and that each has its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from streams.gateway.console.alarms import ENOUGH, SILENT_AFTER_S, RecentFigures, SeenWorker, alarms
from streams.gateway.web.language import LANGUAGES, texts
from streams.stores.condition import KINDS, Concern
from tests.streams.gateway.console.reports import report

WELL = {"host:1": SeenWorker(report(models={"m": "CPU"}), 0.5)}
FRESH = RecentFigures(10.0, 40.0, 100)


def told(**given: Any) -> list[tuple[str, str]]:
    usual: dict[str, Any] = {
        "workers": WELL,
        "measured": FRESH,
        "objective_ms": (50.0, 250.0),
        "store": "",
        "concerns": (),
        "broker": "",
        "active": "m",
        "unreadable": (),
    }
    found = alarms(**(usual | given))
    for alarm in found:
        for language in LANGUAGES:
            sentence = texts(language)(f"console.js.alarm.{alarm.kind}", **alarm.values)
            assert "{" not in sentence
            assert all(str(value) in sentence for value in alarm.values.values())
    return [(alarm.kind, alarm.gravity) for alarm in found]


def test_where_all_is_well_nothing_is_told() -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        ({"workers": {}}, ["no_worker"]),
        ({"workers": {"w": SeenWorker(report(), SILENT_AFTER_S + 4)}}, ["silent"]),
        ({"workers": {"w": SeenWorker(report(ready=False, trouble="it starts"), 1)}}, ["unready"]),
        ({"active": "other"}, ["other_model"]),
        ({"active": None}, []),
        ({"workers": {"w": SeenWorker(report(), 1)}}, ["no_model"]),
        ({"store": "no answer"}, ["store_away"]),
        ({"broker": "no answer"}, ["broker_away"]),
        (
            {"concerns": (Concern("eviction", "it forgets"), Concern("persistence", "it keeps nothing"))},
            ["store_eviction", "store_persistence"],
        ),
        ({"unreadable": ("w",)}, ["unreadable"]),
        ({"measured": RecentFigures(60.0, 300.0, ENOUGH)}, ["late", "late"]),
        ({"measured": RecentFigures(60.0, 300.0, ENOUGH - 1)}, []),
        ({"measured": RecentFigures(10.0, 40.0, 100, letters=3)}, ["letters"]),
        ({"measured": RecentFigures(10.0, 40.0, 100, lowered=0.4)}, ["lowered"]),
    ],
)  # fmt: skip
def test_each_alarm(given: dict[str, Any], kinds: list[str]) -> None:
    assert [kind for kind, _ in told(**given)] == kinds


def test_a_store_that_is_away_is_one_alarm_and_not_one_for_each_worker() -> None:
    silent = {f"w{n}": SeenWorker(report(), 60) for n in range(3)}
    assert told(store="no answer", workers=silent) == [("store_away", "bad")]
    assert told(store="no answer", workers={}) == [("store_away", "bad")]


def test_the_gravest_come_first() -> None:
    concern = Concern("role", "c")
    gravities = [
        gravity for _, gravity in told(concerns=(concern,), workers={}, measured=RecentFigures(letters=1))
    ]
    assert gravities == ["bad", "warn", "warn"]


def test_each_concern_of_a_store_has_a_sentence_in_each_language() -> None:
    assert [kind for kind, _ in told(concerns=[Concern(kind, "") for kind in KINDS])] == [
        f"store_{kind}" for kind in KINDS
    ]
