"""What is paused: what is held back, and all while too much waits; the client is told of changes alone."""

from __future__ import annotations

from typing import Any

from confluent_kafka import TopicPartition
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.polled import Polling
from streams.worker.pauses import WAITING_EVENTS, Pauses

PLACES = [TP("headrace.clicks", number) for number in range(3)]


class Client:
    """Refuses to pause what is paused, and to resume what is not."""

    def __init__(self) -> None:
        self.paused: set[TP] = set()

    def pause(self, places: list[TopicPartition]) -> None:
        named = {TP(place.topic, place.partition) for place in places}
        assert not named & self.paused
        self.paused |= named

    def resume(self, places: list[TopicPartition]) -> None:
        for place in places:
            self.paused.remove(TP(place.topic, place.partition))


class Turns:
    def __init__(self) -> None:
        self.client, self.held_back, self.waiting = Client(), set[TP](), 0
        self.polling = Polling(lambda _: None)
        self.polling.assign(dict.fromkeys(PLACES, 0))
        self.pauses = Pauses(self.held_back, lambda: self.waiting)

    def paused(self) -> set[TP]:
        client: Any = self.client
        self.pauses.look(client, self.polling)
        return self.client.paused


def test_everything_rests_until_half_of_what_waits_is_taken() -> None:
    turns = Turns()
    turns.waiting = WAITING_EVENTS
    assert not turns.paused()
    turns.waiting += 1
    assert turns.paused() == set(PLACES)
    turns.waiting = WAITING_EVENTS // 2 + 1
    assert turns.paused() == set(PLACES)
    turns.held_back.add(PLACES[1])
    turns.waiting -= 1
    assert turns.paused() == {PLACES[1]}
    assert turns.pauses
    turns.held_back.clear()
    assert not turns.paused()
    assert not turns.pauses


def test_after_an_assignment_nothing_is_paused() -> None:
    turns = Turns()
    turns.held_back.add(PLACES[0])
    assert turns.paused()
    turns.polling.assign({PLACES[2]: 0})
    turns.client.paused.clear()
    turns.pauses.forget()
    assert not turns.paused(), "another worker has what is held back"


@given(st.lists(st.tuples(st.sets(st.sampled_from(PLACES)), st.integers(0, 2 * WAITING_EVENTS))))
def test_any_turns(steps: list[tuple[set[TP], int]]) -> None:
    turns = Turns()
    for held_back, waiting in steps:
        turns.held_back.clear()
        turns.held_back |= held_back
        turns.waiting = waiting
        paused = turns.paused()
        assert held_back <= paused
        assert paused in (held_back, set(PLACES))
        assert waiting <= WAITING_EVENTS or paused == set(PLACES)
        assert waiting > WAITING_EVENTS // 2 or paused == held_back
