"""The partition of a key, as Kafka's own clients choose it: MurmurHash2, by the number of partitions.

The producer gives it to aiokafka, which has the same hash: its `send` takes half of the time then. The store
divides its keys into shards in the same way.
"""

from __future__ import annotations

from struct import unpack

SEED, FACTOR, WORD = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF


def partition_of(key: bytes, partitions: int) -> int:
    """The partition, from 0, of `partitions` in all.

    >>> partition_of(b"u-7", 4) == partition_of(b"u-7", 4) < 4
    True
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """MurmurHash2 with the seed of Kafka's clients, 32 bits (Utils.murmur2 in Kafka's Java client)."""
    size = len(key)
    hashed = SEED ^ size
    words = size & ~3
    for word in unpack(f"<{size >> 2}I", key[:words]):
        mixed = word * FACTOR & WORD
        hashed = (hashed * FACTOR & WORD) ^ ((mixed ^ mixed >> 24) * FACTOR & WORD)
    if size != words:
        hashed = (hashed ^ int.from_bytes(key[words:], "little")) * FACTOR & WORD
    hashed = (hashed ^ hashed >> 13) * FACTOR & WORD
    return hashed ^ hashed >> 15
