"""Where the store has several shards, a batch is of one, and a record in the wrong place is none."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from model.errors import EventError
from streams.events.schema import AnyEvent, Click, Control, Impression, Item, Review, User, key_of
from streams.kafka.message import Message
from streams.stores.redis.keys import RedisKeys, shard_of
from streams.worker.shards import by_shard, check_shard


class Placed(NamedTuple):
    partition: int
    n: int


@given(st.lists(st.integers(0, 11), max_size=40), st.sampled_from([1, 2, 3, 4, 6, 12]))
def test_parts_are_of_one_shard_and_keep_their_order(partitions: list[int], shards: int) -> None:
    records = [Placed(partition, n) for n, partition in enumerate(partitions)]
    parts = by_shard(records, shards)
    assert sorted(record for part in parts for record in part) == sorted(records)
    of = [{record.partition % shards for record in part} for part in parts]
    assert all(len(found) == 1 for found in of)
    assert len({min(found) for found in of}) == len(parts)
    assert all(part == sorted(part, key=lambda record: record.n) for part in parts)


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@given(names, st.sampled_from([(4, 2), (4, 4), (12, 3), (24, 6), (24, 24)]))
def test_a_name_has_the_shard_of_the_partition_that_kafka_gives_it(name: str, sizes: tuple[int, int]) -> None:
    partitions, shards = sizes
    every = list(range(partitions))
    partition = DefaultPartitioner()(name.encode(), every, every)
    keys = RedisKeys("shop:", shards)
    assert keys.shard_of(name) == keys.shard_of_place(f"clicks-{partition}")
    more = list(range(3 * partitions))  # partitions added by a whole multiple change nothing
    assert keys.shard_of(name) == keys.shard_of_place(f"c-{DefaultPartitioner()(name.encode(), more, more)}")


@given(names, st.integers(0, 11))
def test_a_record_elsewhere_than_its_key_leads_is_a_dead_letter(name: str, partition: int) -> None:
    events: list[AnyEvent] = [
        Click(event_id="e", ts=1, user_id=name, item_id="i"),
        Review(event_id="e", ts=1, user_id=name, item_id="i", rating=3.0),
        Impression(event_id="e", ts=1, user_id=name, slate_id="s", items=["i"]),
        User(event_id="e", ts=1, user_id=name),
        Item(event_id="e", ts=1, item_id=name),
    ]
    for event in events:
        assert key_of(event) == name.encode()
        message = Message("clicks", partition, 0, 0.0, key_of(event), b"{}")
        check_shard(message, event, 1)
        if shard_of(name, 4) == partition % 4:
            check_shard(message, event, 4)
        else:
            with pytest.raises(EventError, match="murmur2") as caught:
                check_shard(message, event, 4)
            assert caught.value.reason == "wrong_partition"
    order = Control(event_id="e", ts=1, command="activate_model", model="m")
    check_shard(Message("control", partition, 0, 0.0, None, b"{}"), order, 4)
