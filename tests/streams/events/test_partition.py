"""A key goes where every other client of Kafka puts it: else the order of a user's events would be lost."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as by_aiokafka
from hypothesis import given
from hypothesis import strategies as st

from streams.events.partition import murmur2, partition_of


@given(st.binary(max_size=130), st.integers(1, 60))
def test_it_is_the_partition_that_aiokafka_chooses(key: bytes, partitions: int) -> None:
    known = list(range(partitions))
    assert murmur2(key) == by_aiokafka(key)
    assert partition_of(key, partitions) == DefaultPartitioner()(key, known, known)


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_it_hashes_as_kafka_does(key: bytes, hashed: int) -> None:
    """The values in `UtilsTest` of Apache Kafka, as signed numbers of 32 bits."""
    assert murmur2(key) == hashed % 2**32
