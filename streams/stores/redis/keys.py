"""Where everything lies in Redis: the names of the keys, all after the deployment's prefix.

What a batch of one partition writes, of one shard:
    state:USER feed:USER item:ID   the values (states and feeds expire)
    slates:USER                    the user's kept slates (they expire sooner)
    notes:USER                     hash: what a gateway notes about the user for a while
    forgotten:NAME                 tombstone of a deleted user, under a hash of the id (it expires)
    progress                       hash: "topic-partition" -> last applied offset
    last-commit:WRITER             what a writer committed last, so that it can ask again
    sums:EXPERIMENT                hash: what the shard's users add to an experiment's sums
    note:NAME                      what gateways, renewals and the worker that leads note (it expires)
    outbox, outbox:last            stream of batches on their way to the ledger (of more than one shard)
What all processes share:
    withdrawn, withdrawn:version   sorted set of items that can't be had, or came back; its version
    rows, row-ids                  hash item id -> row; list of the item ids in row order
    ledger, ledger:dropped         stream of batches; the position of the last entry that was trimmed
    relayed                        hash: how far each outbox is in the ledger
    snapshot, snapshot:TOKEN:N     hash: head of the snapshot; its chunks
    lease:NAME                     who leads
    reports                        hash: what each worker said of itself last (it expires)
    model, model:log               the active model; list of the latest activations
    text-encoder                   by which encoder texts were read
    experiments, experiments:log   the registry of experiments; list of the entries of its log
    sums-history:EXPERIMENT        list of notes of an experiment's sums
    shards                         how many shards there are, where there are several
Each feed that a batch writes or deletes is announced on the channel `feeds` (the message is the user id).

With one shard the names stand as they are. With several (`redis.shards`), the number of the shard is the hash
tag of the keys of the first kind, and "shared" that of the second: on Redis Cluster, keys of one tag lie
together. A user's or item's shard follows from the name as its partition does in Kafka: from the murmur2 hash
of the key, modulo the number of shards. That divides the number of partitions, so all of a partition is of
one shard, and stays there when partitions are added by whole multiples.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from model.errors import StoreError
from streams.events.partition import partition_of

VALUES = ("state", "feed", "slates", "item")
"""The kinds of values: those of a user, then that of an item."""
NOTE = "note"
"""The kind of what is noted for a while."""
ABOUT_USER = "notes"
"""The kind of what is noted about a user; it goes when the user is deleted."""
FORGOTTEN = "forgotten"
"""The kind of tombstones."""


class RedisKeys:
    """The names of a deployment's keys."""

    def __init__(self, prefix: str, shards: int) -> None:
        self.prefix, self.shards = prefix, shards
        self._shared = f"{prefix}{{shared}}:" if shards > 1 else prefix
        self._of_shard = [f"{prefix}{{{shard}}}:" if shards > 1 else prefix for shard in range(shards)]

    def of_shard(self, shard: int, *parts: str) -> str:
        """A key that a batch of the shard writes."""
        return self._of_shard[shard] + ":".join(parts)

    def of(self, kind: str, name: str) -> str:
        """The key of a user's or an item's value.

        >>> RedisKeys("shop:", 1).of("state", "ann"), RedisKeys("shop:", 4).of("state", "ann")
        ('shop:state:ann', 'shop:{2}:state:ann')
        """
        shard = shard_of(name, self.shards) if self.shards > 1 else 0
        return f"{self._of_shard[shard]}{kind}:{name}"

    def tombstone(self, name: str) -> str:
        """The key of a tombstone by its name (`streams.state.tombstone.tombstone_name`).

        >>> from streams.state.tombstone import tombstone_name
        >>> RedisKeys("shop:", 4).tombstone(tombstone_name("ann")).partition("}")[0]
        'shop:{2'
        """
        return self.of_shard(int(name.partition(".")[0], 16) % self.shards, FORGOTTEN, name)

    def shared(self, *parts: str) -> str:
        """A key that all processes share."""
        return self._shared + ":".join(parts)

    @property
    def channel(self) -> str:
        """On which feeds are announced."""
        return f"{self.prefix}feeds"

    @property
    def layout(self) -> str:
        """The key that says how many shards there are; its name is the same whatever it says."""
        return f"{self.prefix}shards"

    def shard_of(self, name: str) -> int:
        """The shard of a user or an item."""
        return shard_of(name, self.shards) if self.shards > 1 else 0

    def shard_of_place(self, place: str) -> int:
        """The shard of a partition, "topic-partition"."""
        return int(place.rpartition("-")[2]) % self.shards if self.shards > 1 else 0

    def by_shard(self, wanted: Iterable[tuple[str, str]]) -> dict[int, list[tuple[str, str]]]:
        """Kinds and names of values, each once, by their shards."""
        found: dict[int, list[tuple[str, str]]] = {}
        for each in dict.fromkeys(wanted):
            found.setdefault(self.shard_of(each[1]), []).append(each)
        return found

    def only_shard(self, places: Iterable[str], names: Iterable[str]) -> int:
        """The one shard of all of these; 0 for nothing. Raises `StoreError` where they are of several."""
        if self.shards == 1:
            return 0
        found: dict[int, str] = {}
        for place in places:
            found.setdefault(self.shard_of_place(place), f"partition {place}")
        for name in names:
            found.setdefault(self.shard_of(name), repr(name))
        if len(found) > 1:
            said = ", ".join(f"{what} is of shard {shard}" for shard, what in sorted(found.items())[:3])
            raise StoreError(
                f"a commit must be of one of the {self.shards} shards: {said}. Commit each partition"
                " by itself; have producers choose partitions by the murmur2 hash of the key"
            )
        return next(iter(found), 0)


def tag_of(key: str) -> str:
    """The hash tag of a key, or of what keys begin with; "" for none.

    >>> tag_of("shop:{2}:state:ann"), tag_of("shop:state:ann")
    ('2', '')
    """
    return key.partition("{")[2].partition("}")[0]


@lru_cache(65_536)
def shard_of(name: str, shards: int) -> int:
    """The shard of a user or an item, by the hash that chooses its partition in Kafka.

    >>> shard_of("ann", 1), shard_of("ann", 4), shard_of("ann", 8) % 4
    (0, 2, 2)
    """
    return partition_of(name.encode(), shards) if shards > 1 else 0
