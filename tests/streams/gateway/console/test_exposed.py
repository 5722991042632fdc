"""What was shown of late: summed up, forgotten after its time, and bounded."""

from __future__ import annotations

from collections import Counter

from streams.gateway.console.exposed import ITEMS_OF_STEP, STEP_S, STEPS, TOP, Exposed
from streams.worker_reports.rates import Happened


def second(items: dict[str, int], source: str = "nearest") -> Happened:
    places = sum(items.values())
    return Happened(
        sources=Counter({source: places}), items=Counter(items), item_places=places, entropy_lists=2,
        entropy_sum=1.0,
    )  # fmt: skip


def test_it_sums_up() -> None:
    exposed = Exposed()
    exposed.take(second({"a": 3, "b": 1}), 100, 5)
    exposed.take(second({"a": 1}, "fresh"), 0, 6)
    told = exposed.told()
    assert told["sources"] == {"nearest": 0.8, "fresh": 0.2}
    assert told["items"] == [{"item": "a", "share": 0.8}, {"item": "b", "share": 0.2}]
    assert (told["catalogue"], told["item_places"], told["shown_items"]) == (100, 5, 2)
    assert (told["entropy"], told["distance"], told["coverage"]) == (0.5, None, 0.02)


def test_what_was_shown_five_minutes_ago_is_forgotten() -> None:
    exposed = Exposed()
    exposed.take(second({"old": 9}), 100, 0)
    for n in range(STEP_S * STEPS):
        exposed.take(Happened(), 100, n)
    assert exposed.told()["items"] == []
    assert exposed.told()["coverage"] is None
    assert [each["coverage"] for each in exposed.told()["history"]][:2] == [0.01, None]


def test_a_stream_of_ever_new_items_is_bounded() -> None:
    exposed = Exposed()
    for n in range(STEP_S * STEPS):
        exposed.take(second({f"{n}-{k}": 1 for k in range(2 * ITEMS_OF_STEP // STEP_S)}), 10**6, n)
    told = exposed.told()
    assert told["shown_items"] <= ITEMS_OF_STEP * STEPS
    assert len(told["items"]) == TOP
