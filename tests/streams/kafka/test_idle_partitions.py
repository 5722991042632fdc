"""Which partitions a fetch asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiokafka.protocol.fetch import FetchRequest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.idle_partitions import EVERY, IDLE_AFTER_S, Asked, IdlePartitions, spare_idle


def asked(*offsets: int) -> Asked:
    """Partition 0 of topics a, b, ... at these offsets."""
    return [(chr(ord("a") + n), [(0, offset, 1_000)]) for n, offset in enumerate(offsets)]


def topics(of: Asked) -> str:
    return "".join(topic for topic, _ in of)


def test_what_brings_nothing_is_left_out_of_most_fetches() -> None:
    now_s = 0.0
    idle = IdlePartitions(lambda: now_s)
    assert topics(idle.without(asked(5, 7))) == "ab", "nothing is known of them yet"
    now_s = IDLE_AFTER_S
    found = [topics(idle.without(asked(6 + n, 7))) for n in range(2 * EVERY)]
    assert found == 2 * [*(EVERY - 1) * ["a"], "ab"]
    assert topics(idle.without(asked(99, 8))) == "ab", "b has brought something"
    assert topics(idle.without(asked(99, 8))) == "ab"


def test_where_all_are_idle_all_are_asked_for() -> None:
    now_s = 0.0
    idle = IdlePartitions(lambda: now_s)
    idle.without(asked(5, 7))
    now_s = 2 * IDLE_AFTER_S
    assert [topics(idle.without(asked(5, 7))) for _ in range(2 * EVERY)] == ["ab"] * 2 * EVERY


@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.booleans(), min_size=4, max_size=4)), min_size=EVERY, max_size=60
    )
)
def test_each_partition_is_asked_for_soon(fetches: list[tuple[bool, list[bool]]]) -> None:
    """Whatever comes when, and from which of two brokers: what has just moved is asked for, and the rest is
    never left out for longer than the rule says.
    """
    now_s, offsets, missed = 0.0, [0] * 4, [0] * 4
    idle = IdlePartitions(lambda: now_s)
    for second_broker, moves in fetches:
        now_s += 2.0
        offsets = [offset + moved for offset, moved in zip(offsets, moves, strict=True)]
        at = slice(2, 4) if second_broker else slice(0, 2)
        whole = asked(*offsets)[at]
        kept = idle.without(whole)
        assert kept
        assert all(each in whole for each in kept)
        missed[at] = [0 if each in kept else gone + 1 for each, gone in zip(whole, missed[at], strict=True)]
        assert max(missed) < EVERY
        assert all(each in kept for each, moved in zip(whole, moves[at], strict=True) if moved)


def test_the_fetcher_asks_for_what_is_left() -> None:
    at = 5

    class Fetcher:
        def _get_actions_per_node(self, assignment: Any) -> Any:
            return [(1, FetchRequest(5, 1, 1_000, 0, asked(at, 7)))], {}, 0.2, False, []

    fetcher: Any = Fetcher()
    spare_idle(fetcher)
    requests, resets, timeout, metadata, resumed = fetcher._get_actions_per_node(SimpleNamespace())
    assert (resets, timeout, metadata, resumed) == ({}, 0.2, False, [])
    ((node, request),) = requests
    assert node == 1
    assert topics(request.topics) == "ab"
