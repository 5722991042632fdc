"""The positions of replayed letters: kept as an offset and ranges behind it."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from streams.kafka.replayed_letters import (
    METADATA_MAX_BYTES,
    ReplayedPositions,
    pack_positions,
    read_replayed,
    unpack_positions,
    write_replayed,
)
from streams.settings.connections import KafkaSettings

POSITIONS = st.frozensets(st.integers(0, 60), max_size=40)


@given(POSITIONS)
def test_packed_positions_come_back(positions: frozenset[int]) -> None:
    assert unpack_positions(pack_positions(positions)) == positions


@given(st.lists(POSITIONS, max_size=5))
def test_positions_are_the_union_of_all_replays(replays: list[frozenset[int]]) -> None:
    replayed = ReplayedPositions(0, frozenset())
    for positions in replays:
        replayed = replayed.with_(set(positions))
    sent = frozenset().union(*replays)
    assert {position for position in range(62) if position in replayed} == sent
    assert replayed.before not in sent
    assert all(position > replayed.before for position in replayed.after)


class Unasked:
    async def commit(self, _: object) -> None:
        raise AssertionError("positions that do not fit must not be committed")


async def test_positions_that_do_not_fit_are_refused_with_what_to_do() -> None:
    scattered = frozenset(range(1, METADATA_MAX_BYTES, 2))
    with pytest.raises(DataError, match="too scattered to be remembered; replay without"):
        await write_replayed(Unasked(), TopicPartition("t", 0), ReplayedPositions(0, scattered))


async def test_before_the_first_replay_no_letter_was_replayed(kafka_settings: KafkaSettings) -> None:
    place = TopicPartition("dead-letters", 0)
    assert await read_replayed(kafka_settings, place) == ReplayedPositions(0, frozenset())
