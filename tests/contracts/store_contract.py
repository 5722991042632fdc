"""What every store must do. `test_memory_store` and `test_redis_store` run it on theirs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import islice

import pytest

from model.errors import FencedError, LedgerGapError, StoreError, StoreUnavailableError
from streams.experiments.arm_totals import ArmTotals
from streams.settings.connections import RedisSettings
from streams.state.user_state import StateSettings
from streams.stores.base import ACTIVATIONS_MOST, HISTORY_MOST, FeedNews, Store
from streams.stores.commit import HEAD_BYTES, Commit, Forgotten, digest_of, head_of
from streams.stores.condition import waits_for
from streams.stores.ledger_entries import START, LedgerEntry, Snapshot, order_of
from streams.stores.redis.keys import shard_of

MS_PER_DAY = 86_400_000
MARGIN_MS = RedisSettings().ledger_margin_ms

MakeStore = Callable[..., Store]
"""make_store(state=StateSettings(), ledger_margin_ms=MARGIN_MS): stores of one test share what they hold."""


def batch(
    expected: dict[str, int] | None = None,
    progress: dict[str, int] | None = None,
    states: dict[str, bytes] | None = None,
    feeds: dict[str, bytes] | None = None,
    items: dict[str, bytes] | None = None,
    ledger: bytes = b"",
) -> Commit:
    return Commit(expected or {}, progress or {}, states or {}, feeds or {}, items or {}, ledger)


SHARDS = 4
"""A store may lay its keys out in so many shards. A batch is of one: the names and partitions here are of the
first.
"""


def names_of_one_shard(stem: str, count: int) -> list[str]:
    """Names that a batch of partition 0 may write."""
    found = (f"{stem}{n}" for n in range(8 * count))
    return list(islice((name for name in found if shard_of(name, SHARDS) == 0), count))


async def listed(store: Store, about: int) -> list[list[str]]:
    """All users of a store, as its pages have them. A server that holds more than this store's keys may give
    a page without a user in between.
    """
    pages, cursor, first = list[list[str]](), "", True
    while first or cursor:
        page = await store.users(cursor, about)
        pages += [page.users] if page.users else []
        cursor, first = page.cursor, False
    return pages


async def told(news: FeedNews, users: int) -> list[str]:
    """What is heard until so many users were named."""
    heard: list[str] = []
    async with asyncio.timeout(60):
        while len(heard) < users:
            heard += await news.next()
    return heard


class StoreContract:
    """Subclasses give the fixture `make_store`."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    # Batches

    async def test_an_empty_store_knows_nothing(self, store: Store) -> None:
        loaded = await store.load(["u1", "u9"], ["clicks-0", "reviews-0"])
        assert loaded.states == [None, None]
        assert loaded.progress == {"clicks-0": -1, "reviews-0": -1}
        assert await store.feed("u1") is None
        assert await store.items(["i1"]) == [None]
        assert await store.states(["u1"]) == [None]
        assert await store.interned(0) == []
        assert await store.read_ledger(START, 10) == []
        assert await store.snapshot() is None
        assert await store.active_model() is None
        assert await store.text_encoder() is None

    async def test_nothing_can_be_asked_for(self, store: Store) -> None:
        assert (await store.load([], []))[:2] == ([], {})
        assert (await store.load([], ["clicks-0"])).progress == {"clicks-0": -1}
        assert (await store.load(["u1"], [])).states == [None]
        assert await store.items([]) == []
        assert await store.states([]) == []
        assert await store.intern([]) == []

    async def test_a_state_that_is_not_the_one_found_is_not_overwritten(self, store: Store) -> None:
        await store.commit(batch(progress={"c-0": 0}, expected={"c-0": -1}, states={"u1": b"s1"}), "w1")
        next_one = batch(progress={"c-0": 1}, expected={"c-0": 0}, states={"u1": b"s2", "u9": b"s"})
        for wrong in ({"u1": ""}, {"u1": digest_of(b"s0")}, {"u1": digest_of(b"s1"), "u9": digest_of(b"s")}):
            with pytest.raises(FencedError, match="not the"):
                await store.commit(next_one._replace(found=wrong), "w1")
        loaded = await store.load(["u1", "u9"], ["c-0"])
        assert loaded[:2] == ([b"s1", None], {"c-0": 0})
        right = next_one._replace(found={"u1": digest_of(b"s1"), "u9": digest_of(None)}, ledger=b"entry")
        position = await store.commit(right, "w1")
        assert (await store.load(["u1", "u9"], ["c-0"]))[:2] == ([b"s2", b"s"], {"c-0": 1})
        assert await store.commit(right, "w1") == position, "the answer was lost: it is asked for again"

    async def test_kept_slates_are_written_with_their_batch(self, store: Store) -> None:
        await store.commit(
            batch({"c-0": -1}, {"c-0": 0}, {"u1": b"state"})._replace(
                slates={"u1": b"s1", "üa7": b"\x00\xff"}
            ),
            "w1",
        )
        loaded = await store.load(["u1"], ["c-0"], ["üa7", "nobody", "u1"])
        assert loaded[:3] == ([b"state"], {"c-0": 0}, [b"\x00\xff", None, b"s1"])
        assert (await store.load([], [], ["u1"])).slates == [b"s1"]
        assert list((await store.load(["u1"], ["c-0"])).slates) == []
        again = Commit({"c-0": 0}, {"c-0": 1}, {}, {}, {}, slates={"u1": b"s2"})
        await store.commit(again, "w1")
        assert (await store.load(["u1"], [], ["u1", "üa7"]))[:3] == ([b"state"], {}, [b"s2", b"\x00\xff"])

    async def test_kept_slates_that_are_not_those_found_are_not_overwritten(self, store: Store) -> None:
        await store.commit(batch({"c-0": -1}, {"c-0": 0})._replace(slates={"u1": b"s1"}), "w1")
        next_one = batch({"c-0": 0}, {"c-0": 1}, {"u1": b"state"}, ledger=b"entry")._replace(
            slates={"u1": b"s2", "u9": b"s"}
        )
        for wrong in ({"u1": ""}, {"u1": digest_of(b"s0")}, {"u1": digest_of(b"s1"), "u9": digest_of(b"s")}):
            with pytest.raises(FencedError, match="not th"):
                await store.commit(next_one._replace(found_slates=wrong), "w1")
        assert await store.load(["u1"], ["c-0"], ["u1", "u9"]) == ([None], {"c-0": 0}, [b"s1", None], {})
        assert await store.read_ledger(START, 10) == []
        right = {"u1": digest_of(b"s1"), "u9": digest_of(None)}
        found = next_one._replace(found={"u1": digest_of(None)}, found_slates=right)
        position = await store.commit(found, "w1")
        assert await store.load(["u1"], ["c-0"], ["u1", "u9"]) == ([b"state"], {"c-0": 1}, [b"s2", b"s"], {})
        assert await store.commit(found, "w1") == position, "the answer was lost: it is asked for again"

    async def test_slates_are_known_by_their_head(self, store: Store) -> None:
        """It names all the rest: the others are not read for the comparison."""
        head, other = bytes(range(HEAD_BYTES)), bytes(range(1, HEAD_BYTES + 1))
        first = batch({"c-0": -1}, {"c-0": 0})._replace(slates={"u1": head + b"long" * 1_000})
        await store.commit(first, "w1")
        second = batch({"c-0": 0}, {"c-0": 1})._replace(slates={"u1": other})
        with pytest.raises(FencedError):
            await store.commit(second._replace(found_slates={"u1": digest_of(other)}), "w1")
        await store.commit(second._replace(found_slates={"u1": digest_of(head_of(head + b"x"))}), "w1")
        assert (await store.load([], [], ["u1"])).slates == [other]

    async def test_a_batch_on_other_progress_writes_no_slates(self, store: Store) -> None:
        await store.commit(batch({"c-0": -1}, {"c-0": 5})._replace(slates={"u1": b"s1"}), "w1")
        with pytest.raises(FencedError):
            await store.commit(batch({"c-0": 4}, {"c-0": 6})._replace(slates={"u1": b"s2"}), "w2")
        assert (await store.load([], [], ["u1"])).slates == [b"s1"]

    async def test_a_batch_is_written_whole(self, store: Store) -> None:
        position = await store.commit(
            batch(
                expected={"clicks-0": -1, "items-4": -1},
                progress={"clicks-0": 41, "items-4": 7},
                states={"u1": b"s1", "üa7": b"\x00\xff"},
                feeds={"u1": b"f1"},
                items={"i1": b"r1"},
                ledger=b"entry",
            ),
            "w1",
        )
        loaded = await store.load(["üa7", "nobody", "u1"], ["items-4", "clicks-0", "clicks-4"])
        assert loaded.states == [b"\x00\xff", None, b"s1"]
        assert loaded.progress == {"items-4": 7, "clicks-0": 41, "clicks-4": -1}
        assert await store.feed("u1") == b"f1"
        assert await store.items(["i1", "i2"]) == [b"r1", None]
        assert await store.states(["u1"]) == [b"s1"]
        assert await store.read_ledger(START, 10) == [LedgerEntry(position, "w1", b"entry")]

    async def test_kinds_of_values_do_not_mix(self, store: Store) -> None:
        await store.commit(batch(states={"k": b"state"}, items={"k": b"item"}, feeds={"k": b"feed"}), "w1")
        assert (await store.states(["k"]), await store.items(["k"]), await store.feed("k")) == (
            [b"state"],
            [b"item"],
            b"feed",
        )

    @pytest.mark.parametrize("expected", [{"clicks-0": -1}, {"clicks-0": 4}, {"clicks-0": 6}])
    async def test_a_batch_on_other_progress_writes_nothing_at_all(
        self, store: Store, expected: dict[str, int]
    ) -> None:
        await store.commit(batch({"clicks-0": -1}, {"clicks-0": 5}, {"u1": b"first"}, ledger=b"1"), "w1")
        with pytest.raises(FencedError, match="clicks-0"):
            await store.commit(
                batch(
                    {"clicks-4": -1, **expected},
                    {"clicks-4": 9, "clicks-0": 9},
                    {"u1": b"second", "u9": b"second"},
                    {"u1": b"feed"},
                    {"i1": b"item"},
                    b"2",
                ),
                "w2",
            )
        loaded = await store.load(["u1", "u9"], ["clicks-0", "clicks-4"])
        assert loaded[:2] == ([b"first", None], {"clicks-0": 5, "clicks-4": -1})
        assert await store.feed("u1") is None
        assert await store.items(["i1"]) == [None]
        assert [entry.payload for entry in await store.read_ledger(START, 10)] == [b"1"]

    async def test_of_two_workers_on_one_partition_one_wins(self, make_store: MakeStore) -> None:
        stores = [make_store() for _ in range(4)]
        outcomes = await asyncio.gather(
            *(
                store.commit(
                    batch({"clicks-0": -1}, {"clicks-0": 10 + n}, {"u1": str(n).encode()}, ledger=b"e"),
                    f"w{n}",
                )
                for n, store in enumerate(stores)
            ),
            return_exceptions=True,
        )
        (winner,) = (n for n, outcome in enumerate(outcomes) if isinstance(outcome, str))
        assert sum(isinstance(outcome, FencedError) for outcome in outcomes) == 3
        assert (await stores[0].load(["u1"], ["clicks-0"]))[:2] == (
            [str(winner).encode()],
            {"clicks-0": 10 + winner},
        )
        assert [entry.writer for entry in await stores[0].read_ledger(START, 10)] == [f"w{winner}"]

    async def test_the_same_batch_again_changes_nothing(self, store: Store) -> None:
        first = batch({"clicks-0": -1}, {"clicks-0": 5}, {"u1": b"s"}, ledger=b"entry")
        position = await store.commit(first, "w1")
        assert await store.commit(first, "w1") == position
        assert len(await store.read_ledger(START, 10)) == 1

    async def test_the_same_batch_of_another_writer_is_fenced(self, store: Store) -> None:
        first = batch({"clicks-0": -1}, {"clicks-0": 5}, {"u1": b"s"}, ledger=b"entry")
        await store.commit(first, "w1")
        with pytest.raises(FencedError):
            await store.commit(first, "w2")

    async def test_an_older_batch_again_is_fenced(self, store: Store) -> None:
        first = batch({"clicks-0": -1}, {"clicks-0": 5}, ledger=b"1")
        await store.commit(first, "w1")
        await store.commit(batch({"clicks-0": 5}, {"clicks-0": 6}, ledger=b"2"), "w1")
        with pytest.raises(FencedError):
            await store.commit(first, "w1")

    @pytest.mark.parametrize("expected", [{}, {"clicks-0": 8}])
    async def test_progress_must_be_fenced_and_grow(self, store: Store, expected: dict[str, int]) -> None:
        with pytest.raises(StoreError, match="clicks-0"):
            await store.commit(batch(expected, {"clicks-0": 7}, {"u1": b"s"}), "w1")
        assert await store.states(["u1"]) == [None]

    async def test_a_batch_without_a_ledger_entry_has_no_position(self, store: Store) -> None:
        assert await store.commit(batch(states={"u1": b"s"}), "w1") == ""
        assert await store.read_ledger(START, 10) == []

    async def test_many_users_in_one_batch(self, store: Store) -> None:
        states = {name: bytes([n % 256]) * 2_000 for n, name in enumerate(names_of_one_shard("u", 3_000))}
        await store.commit(batch(states=states, feeds=states), "w1")
        assert await store.states(list(states)) == list(states.values())

    async def test_states_and_feeds_expire_and_items_do_not(self, make_store: MakeStore) -> None:
        store = make_store(state=StateSettings(ttl_days=200 / MS_PER_DAY))
        await store.commit(batch(states={"u1": b"s"}, feeds={"u1": b"f"}, items={"i1": b"r"}), "w1")
        await store.put_feed("", b"popular")
        await asyncio.sleep(0.4)
        assert await store.states(["u1"]) == [None]
        assert (await store.load(["u1"], [])).states == [None]
        assert await store.feed("u1") is None
        assert await store.feed("") is None
        assert await store.items(["i1"]) == [b"r"]

    async def test_feed_outside_a_batch(self, store: Store) -> None:
        await store.put_feed("", b"popular")
        await store.put_feed("u1", b"own")
        assert (await store.feed(""), await store.feed("u1")) == (b"popular", b"own")

    # Feeds as they are served, and withdrawn items

    async def test_feeds_and_states_are_read_at_once(self, store: Store) -> None:
        assert await store.read_feeds(["u1"]) == ([None], [], "")
        await store.commit(batch(states={"u1": b"s"}, feeds={"u1": b"f"}, items={"i1": b"r"}), "w1")
        await store.put_feed("", b"popular")
        assert await store.read_feeds(["u1", "nobody", ""], ["nobody", "u1"]) == (
            [b"f", None, b"popular"],
            [None, b"s"],
            "",
        )
        await store.commit(batch(items={"i1": b"r2"})._replace(withdrawn={"i1": True}), "w1")
        read = await store.read_feeds([], ["u1"])
        assert read[:2] == ([], [b"s"])
        assert read.withdrawals == (await store.withdrawals("")).version != ""

    async def test_withdrawn_items_are_listed_until_they_come_back(self, store: Store) -> None:
        assert await store.withdrawals("") == ("", True, {}) or (await store.withdrawals("")).changes == {}
        seen = [await self._put(store, a=True, b=False, üb6=True)]
        assert await store.withdrawals("") == (seen[0], True, {"a": True, "üb6": True})
        seen.append(await self._put(store, a=True, b=False))
        assert seen[1] == seen[0], "nothing changed"
        seen.append(await self._put(store, a=False, k=True))
        assert seen[2] != seen[0]
        assert await store.withdrawals(seen[0]) == (seen[2], False, {"a": False, "k": True})
        assert await store.withdrawals("") == (seen[2], True, {"a": False, "üb6": True, "k": True})
        seen.append(await self._put(store, a=True))
        assert await store.withdrawals(seen[2]) == (seen[3], False, {"a": True})
        assert await store.withdrawals(seen[0]) == (seen[3], False, {"a": True, "k": True})
        assert await store.withdrawals(seen[3]) == (seen[3], False, {})

    async def test_a_version_of_another_list_is_told_all(self, store: Store) -> None:
        """As after a store was emptied: what was known before counts no more."""
        version = await self._put(store, a=True)
        assert await store.withdrawals("elsewhere:7") == (version, True, {"a": True})
        with pytest.raises(StoreError, match="NAME:NUMBER"):
            await store.withdrawals("elsewhere")

    async def test_a_refused_batch_withdraws_nothing(self, store: Store) -> None:
        await store.commit(batch({"items-0": -1}, {"items-0": 5}), "w1")
        late = batch({"items-0": 4}, {"items-0": 6}, items={"a": b"r"})._replace(withdrawn={"a": True})
        with pytest.raises(FencedError):
            await store.commit(late, "w2")
        assert (await store.withdrawals("")).changes == {}
        assert await store.items(["a"]) == [None]

    async def test_a_batch_asked_for_again_withdraws_once(self, store: Store) -> None:
        first = batch({"items-0": -1}, {"items-0": 5}, items={"a": b"r"})._replace(withdrawn={"a": True})
        await store.commit(first, "w1")
        version = (await store.withdrawals("")).version
        await store.commit(first, "w1")
        assert (await store.withdrawals("")).version == version

    async def test_the_list_is_mended_by_the_records_as_they_are(self, store: Store) -> None:
        """A store of an older build has none; what changed since a record was read is left as it is."""
        await store.commit(batch(items={"a": b"a1", "b": b"b1", "k": b"c1"}), "w1")
        records = {"a": digest_of(b"a1"), "b": digest_of(b"b0"), "k": digest_of(b"c1"), "d": digest_of(None)}
        await store.mend_withdrawn({"a": True, "b": True, "k": False, "d": True}, records)
        listed = await store.withdrawals("")
        assert listed.changes == {"a": True, "d": True}
        await store.mend_withdrawn({"a": False}, {"a": digest_of(b"a0")})
        assert await store.withdrawals(listed.version) == (listed.version, False, {})
        await store.mend_withdrawn({"a": False}, {"a": digest_of(b"a1")})
        assert (await store.withdrawals(listed.version)).changes == {"a": False}
        await store.mend_withdrawn({}, {})

    async def test_many_withdrawn_items(self, store: Store) -> None:
        ids = names_of_one_shard("item", 45_000)
        for at in range(0, len(ids), 5_000):
            await self._put(store, **dict.fromkeys(ids[at : at + 5_000], True))
        listed = await store.withdrawals("")
        assert listed.changes == dict.fromkeys(ids, True)
        version = await self._put(store, **{ids[7]: False})
        assert await store.withdrawals(listed.version) == (version, False, {ids[7]: False})

    @staticmethod
    async def _put(store: Store, **withdrawn: bool) -> str:
        """Commit item events; the version of the list afterwards."""
        items = dict.fromkeys(withdrawn, b"record")
        await store.commit(batch(items=items)._replace(withdrawn=withdrawn), "w1")
        return (await store.read_feeds([])).withdrawals

    # Rows

    async def test_rows_are_numbered_from_zero_once_for_ever(self, store: Store) -> None:
        assert await store.intern(["a", "b", "a"]) == [0, 1, 0]
        assert await store.intern(["c", "b", "üb6"]) == [2, 1, 3]
        assert await store.interned(0) == ["a", "b", "c", "üb6"]
        assert await store.interned(2) == ["c", "üb6"]
        assert await store.interned(4) == []

    async def test_rows_have_no_gaps_when_many_number_at_once(self, make_store: MakeStore) -> None:
        stores = [make_store() for _ in range(4)]
        wanted = [[f"item{(7 * n + k) % 50}" for k in range(30)] for n in range(40)]
        answers = await asyncio.gather(*(stores[n % 4].intern(ids) for n, ids in enumerate(wanted)))
        names = await stores[0].interned(0)
        assert sorted(names) == sorted({name for ids in wanted for name in ids})
        assert [[names[row] for row in rows] for rows in answers] == wanted

    async def test_many_rows_in_one_call(self, store: Store) -> None:
        ids = [f"item{n}" for n in range(25_000)]
        assert await store.intern(ids) == list(range(25_000))
        assert await store.interned(0) == ids
        assert await store.interned(24_999) == ids[24_999:]

    # News of feeds

    async def test_each_feed_of_a_batch_is_news_to_all_who_listen(self, make_store: MakeStore) -> None:
        writer, listeners = make_store(), [make_store(), make_store()]
        await writer.commit(batch(feeds={"u1": b"before"}), "w")
        heard = [await listener.hear_of_feeds() for listener in listeners]
        await writer.commit(batch(feeds={"u1": b"f1", "üa7": b"f2"}, states={"u9": b"s"}), "w")
        for news in heard:
            assert await told(news, 2) == ["u1", "üa7"]
            news.close()

    async def test_news_that_nobody_asked_for_yet_is_told_once_a_user(self, store: Store) -> None:
        news = await store.hear_of_feeds()
        for number in range(50):
            await store.commit(batch(feeds={"u1": b"%d" % number}), "w")
        await store.commit(batch(feeds={"üa7": b"f"}), "w")
        heard: list[str] = []
        async with asyncio.timeout(60):
            while "üa7" not in heard:
                await asyncio.sleep(0.05)  # nobody asks meanwhile
                heard += await news.next()
        assert heard.count("u1") <= 2
        assert heard[-1] == "üa7"
        news.close()

    async def test_what_was_not_written_is_no_news(self, store: Store) -> None:
        """A fenced batch, one that is committed again, and a feed outside batches."""
        first = batch({"c-0": -1}, {"c-0": 0}, feeds={"u1": b"f"}, ledger=b"e")
        await store.commit(first, "w1")
        news = await store.hear_of_feeds()
        with pytest.raises(FencedError):
            await store.commit(batch({"c-0": -1}, {"c-0": 1}, feeds={"u1": b"g"}), "w2")
        await store.commit(first, "w1")
        await store.put_feed("u1", b"popular")
        await store.commit(batch({"c-0": 0}, {"c-0": 1}, feeds={"üa7": b"f"}), "w1")
        assert await told(news, 1) == ["üa7"]
        news.close()

    async def test_a_deleted_user_is_news(self, make_store: MakeStore) -> None:
        writer, listener = make_store(), make_store()
        ann, bob = names_of_one_shard("u", 2)
        await writer.commit(batch(feeds={ann: b"f"}), "w")
        news = await listener.hear_of_feeds()
        gone = batch({"c-0": -1}, {"c-0": 0})._replace(
            forgotten={ann: Forgotten(b"t", 5)}, tombstone_ms=60_000
        )
        await writer.commit(gone, "w")
        assert await told(news, 1) == [ann]
        both = batch({"c-0": 0}, {"c-0": 1}, feeds={ann: b"new", bob: b"f"})
        await writer.commit(both._replace(forgotten={ann: Forgotten(b"t", 6)}, tombstone_ms=60_000), "w")
        assert await told(news, 2) == [ann, bob]
        news.close()

    async def test_who_stopped_listening_is_told_so(self, store: Store) -> None:
        news = await store.hear_of_feeds()
        waiting = asyncio.create_task(told(news, 1))
        await asyncio.sleep(0)
        news.close()
        with pytest.raises(StoreUnavailableError):
            await waiting
        await store.commit(batch(feeds={"u1": b"f"}), "w")
        with pytest.raises(StoreUnavailableError):
            await news.next()

    # The ledger and its snapshot

    async def test_the_ledger_keeps_the_order_of_the_batches(self, store: Store) -> None:
        written = [await store.commit(batch(ledger=str(n).encode()), f"w{n % 2}") for n in range(20)]
        entries = await store.read_ledger(START, 100)
        assert [entry.position for entry in entries] == written
        assert [(entry.writer, entry.payload) for entry in entries] == [
            (f"w{n % 2}", str(n).encode()) for n in range(20)
        ]
        assert [order_of(position) for position in written] == sorted(map(order_of, written))

    async def test_the_ledger_is_read_in_parts(self, store: Store) -> None:
        written = [await store.commit(batch(ledger=bytes([n])), "w") for n in range(7)]
        read: list[str] = []
        after = START
        while part := await store.read_ledger(after, 3):
            assert len(part) <= 3
            read += [entry.position for entry in part]
            after = part[-1].position
        assert read == written
        assert await store.read_ledger(written[-1], 3) == []

    async def test_a_snapshot_comes_back_whole(self, store: Store) -> None:
        position = await store.commit(batch(ledger=b"e"), "w1")
        payload = bytes(range(256)) * 10_000  # more than one chunk
        snapshot = Snapshot(position, "w1", position, payload)
        await store.save_snapshot(snapshot)
        assert await store.snapshot() == snapshot
        smaller = Snapshot(position, "w2", START, b"")
        await store.save_snapshot(smaller)
        assert await store.snapshot() == smaller

    async def test_an_older_snapshot_is_refused(self, store: Store) -> None:
        first, second = [await store.commit(batch(ledger=b"e"), "w1") for _ in range(2)]
        newer = Snapshot(second, "w1", second, b"newer")
        await store.save_snapshot(newer)
        with pytest.raises(FencedError):
            await store.save_snapshot(Snapshot(first, "w2", first, b"older"))
        assert await store.snapshot() == newer

    async def test_a_snapshot_drops_what_it_covers(self, make_store: MakeStore) -> None:
        store = make_store(ledger_margin_ms=0)
        written = await self._spaced_entries(store, 5)
        await store.save_snapshot(Snapshot(written[3], "w", written[3], b"s"))
        assert [entry.position for entry in await store.read_ledger(written[2], 10)] == written[3:]
        assert [entry.position for entry in await store.read_ledger(written[3], 10)] == written[4:]
        for gone in (START, written[0], written[1]):
            with pytest.raises(LedgerGapError):
                await store.read_ledger(gone, 10)

    async def test_a_snapshot_leaves_a_margin_to_followers_that_lag(self, make_store: MakeStore) -> None:
        store = make_store(ledger_margin_ms=600_000)
        written = await self._spaced_entries(store, 3)
        await store.save_snapshot(Snapshot(written[2], "w", written[2], b"s"))
        assert [entry.position for entry in await store.read_ledger(START, 10)] == written

    async def test_a_follower_that_has_read_all_never_meets_a_gap(self, make_store: MakeStore) -> None:
        store = make_store(ledger_margin_ms=0)
        written = await self._spaced_entries(store, 4)
        # All but the last entry are dropped; a reader that stands right before it misses nothing.
        await store.save_snapshot(Snapshot(written[3], "w", written[3], b"s"))
        assert [entry.position for entry in await store.read_ledger(written[2], 10)] == written[3:]

    async def test_positions_grow_after_everything_was_dropped(self, make_store: MakeStore) -> None:
        store = make_store(ledger_margin_ms=0)
        written = await self._spaced_entries(store, 2)
        ms, _ = order_of(written[-1])
        await store.save_snapshot(Snapshot(f"{ms + 1}-0", "w", written[-1], b"s"))
        assert await store.read_ledger(written[-1], 10) == []
        later = await store.commit(batch(ledger=b"later"), "w")
        assert order_of(later) > order_of(written[-1])
        assert [entry.payload for entry in await store.read_ledger(written[-1], 10)] == [b"later"]

    @pytest.mark.parametrize("position", ["", "7", "x-1", "1-x"])
    async def test_a_position_that_is_none_is_refused(self, store: Store, position: str) -> None:
        with pytest.raises(StoreError, match="position"):
            await store.read_ledger(position, 10)
        with pytest.raises(StoreError, match="position"):
            await store.save_snapshot(Snapshot(position, "w", START, b""))

    @staticmethod
    async def _spaced_entries(store: Store, n: int) -> list[str]:
        """Entries of different milliseconds."""
        written = []
        for _ in range(n):
            written.append(await store.commit(batch(ledger=b"e"), "w"))
            await asyncio.sleep(0.005)
        return written

    # Sums of experiments

    async def test_sums_grow_with_their_batch_and_with_no_other(self, store: Store) -> None:
        assert await store.read_arm_sums("e1") == {}
        first = {"e1": {"a:m:0": 1, "a:m:1": 5, "b:m:14": 2**62}, "e2": {"a:m:0": 1}}
        commit = batch({"c-0": -1}, {"c-0": 0}, {"u1": b"s1"}, ledger=b"e")._replace(arm_sums=first)
        position = await store.commit(commit, "w1")
        assert await store.commit(commit, "w1") == position, "the answer was lost: it is asked for again"
        with pytest.raises(FencedError):
            await store.commit(commit, "w2")
        wrong = batch({"c-0": 0}, {"c-0": 1}, {"u1": b"s2"})._replace(
            arm_sums=first, found={"u1": digest_of(b"other")}
        )
        with pytest.raises(FencedError):
            await store.commit(wrong, "w1")
        second = {"e1": {"a:m:1": -7, "b:m:14": 2**62 - 1, "b:m:3": -(2**62)}}
        last = batch({"c-0": 0}, {"c-0": 1}, {"u1": b"s2"}, {"u1": b"f"}, ledger=b"e2")._replace(
            arm_sums=second,
            found={"u1": digest_of(b"s1")},
            slates={"u1": b"k"},
            found_slates={"u1": digest_of(None)},
        )
        await store.commit(last, "w1")
        sums = await store.read_arm_sums("e1")
        assert sums["a", "m"] == ArmTotals(1, (-2, 0, 0, 0))
        assert sums["b", "m"] == ArmTotals(0, (0, 0, -(2**62), 0), (*[0] * 9, 2**63 - 1))
        assert await store.read_arm_sums("e2") == {("a", "m"): ArmTotals(1)}
        assert await store.load(["u1"], ["c-0"], ["u1"]) == ([b"s2"], {"c-0": 1}, [b"k"], {})
        assert await store.feed("u1") == b"f"

    async def test_sums_of_two_shards_are_read_together(self, store: Store) -> None:
        for number in range(SHARDS):
            place = f"c-{number}"
            commit = batch({place: -1}, {place: 0})
            await store.commit(commit._replace(arm_sums={"e": {"a:m:0": 1, "a:m:1": number}}), "w1")
        assert await store.read_arm_sums("e") == {
            ("a", "m"): ArmTotals(SHARDS, (sum(range(SHARDS)), 0, 0, 0))
        }

    async def test_the_history_of_sums_is_kept_and_bounded(self, store: Store) -> None:
        assert await store.read_sums_history("e") == []
        for number in range(HISTORY_MOST + 1):
            if number < 3:
                place = f"c-{number}"
                await store.commit(batch({place: -1}, {place: 0})._replace(arm_sums={"e": {"a:m:0": 2}}), "w")
            await store.append_sums_history("e", 1_000 + number)
        history = await store.read_sums_history("e")
        assert [ts for ts, _ in history] == [*range(1_000, 1_000 + HISTORY_MOST, 2), 1_000 + HISTORY_MOST]
        assert [sums["a", "m"].users for _, sums in history[:3]] == [2, 6, 6]
        await store.append_sums_history("e", 5_000)
        assert len(await store.read_sums_history("e")) == len(history) + 1

    async def test_sums_of_experiments_are_apart(self, store: Store) -> None:
        for number, name in enumerate(("e", "other")):
            place = f"c-{number}"
            await store.commit(batch({place: -1}, {place: 0})._replace(arm_sums={name: {"a:m:0": 1}}), "w")
            await store.append_sums_history(name, 1)
        assert (await store.read_arm_sums("none"), await store.read_sums_history("none")) == ({}, [])
        for name in ("e", "other"):
            assert await store.read_arm_sums(name) == {("a", "m"): ArmTotals(1)}
            assert len(await store.read_sums_history(name)) == 1
        await store.forget_sums("e")
        await store.forget_sums("none")
        assert (await store.read_arm_sums("e"), await store.read_sums_history("e")) == ({}, [])
        assert await store.read_arm_sums("other") == {("a", "m"): ArmTotals(1)}
        assert len(await store.read_sums_history("other")) == 1

    # Leases, the active model, ends

    async def test_one_writer_leads_at_a_time(self, store: Store) -> None:
        assert await store.lead("snapshot", "w1", 60_000)
        assert not await store.lead("snapshot", "w2", 60_000)
        assert await store.lead("snapshot", "w1", 60_000)
        assert await store.lead("other", "w2", 60_000)

    async def test_a_lease_ends_by_itself(self, store: Store) -> None:
        assert await store.lead("snapshot", "w1", 100)
        await asyncio.sleep(0.3)
        assert await store.lead("snapshot", "w2", 60_000)
        assert not await store.lead("snapshot", "w1", 60_000)

    async def test_renewing_a_lease_makes_it_longer(self, store: Store) -> None:
        assert await store.lead("snapshot", "w1", 100)
        assert await store.lead("snapshot", "w1", 60_000)
        await asyncio.sleep(0.3)
        assert not await store.lead("snapshot", "w2", 60_000)

    async def test_the_active_model(self, store: Store) -> None:
        await store.activate("m1")
        await store.activate("m2")
        assert await store.active_model() == "m2"

    async def test_activations_are_remembered(self, store: Store) -> None:
        assert await store.activations() == []
        for model in ("m1", "m2", "m2", "m1"):  # each worker confirms the same order
            await store.activate(model)
        found = await store.activations()
        assert [each.model for each in found] == ["m1", "m2", "m1"]
        times = [each.since_ms for each in reversed(found)]
        assert times == sorted(times)
        assert abs(times[0] - time.time_ns() // 1_000_000) < MS_PER_DAY
        for n in range(ACTIVATIONS_MOST):
            await store.activate(f"n{n}")
        found = await store.activations()
        assert [each.model for each in found] == [f"n{n}" for n in reversed(range(ACTIVATIONS_MOST))]
        assert await store.active_model() == found[0].model

    # Lists

    async def test_items_are_listed_by_their_rows(self, store: Store) -> None:
        assert await store.item_ids(0, 5) == []
        await store.intern(["b", "a", "üc"])
        assert await store.item_ids(0, 2) == ["b", "a"]
        assert await store.item_ids(2, 2) == ["üc"]
        assert await store.item_ids(3, 2) == []
        assert await store.item_ids(0, 0) == []

    @pytest.mark.parametrize("about", [1, 7, 1_000])
    async def test_users_are_listed_to_their_end(self, store: Store, about: int) -> None:
        assert await listed(store, 5) == []
        names = [f"ü{n}" for n in range(60)] + ["a:b", "*", "[a]"]
        await store.commit(batch(states=dict.fromkeys(names, b"s"), feeds={"nobody": b"f"}), "w")
        pages = await listed(store, about)
        assert sorted({user for page in pages for user in page}) == sorted(names)
        assert len(pages) > 1 or about == 1_000

    async def test_a_user_who_was_forgotten_is_not_listed(self, make_store: MakeStore) -> None:
        store = make_store(StateSettings(ttl_days=100 / MS_PER_DAY))
        await store.commit(batch(states={"u1": b"s"}), "w")
        await asyncio.sleep(0.3)
        assert await listed(store, 5) == []

    # Deleted users

    async def test_of_a_deleted_user_a_tombstone_is_left(self, store: Store) -> None:
        ann, bob = names_of_one_shard("u", 2)
        both = {ann: b"state", bob: b"state"}
        await store.commit(
            batch({"c-0": -1}, {"c-0": 0}, both, both)._replace(slates={ann: b"slates", bob: b"slates"}), "w"
        )
        assert (await store.load([ann], ["c-0"])).tombstones == {}
        gone = batch({"c-0": 0}, {"c-0": 1})._replace(
            found={ann: digest_of(b"state")},
            found_slates={ann: digest_of(head_of(b"slates"))},
            forgotten={ann: Forgotten(b"tomb", 5)},
            tombstone_ms=60_000,
            ledger=b"entry",
        )
        with pytest.raises(FencedError):
            await store.commit(gone._replace(found={ann: digest_of(b"another")}), "w")
        assert await store.feed(ann) == b"state", "nothing of a refused batch is done"
        position = await store.commit(gone, "w")
        assert await store.commit(gone, "w") == position, "the answer was lost: it is asked for again"
        loaded = await store.load([ann, bob], ["c-0"], [ann, bob])
        assert loaded == ([None, b"state"], {"c-0": 1}, [None, b"slates"], {ann: b"tomb"})
        assert (await store.load([ann], [])).tombstones == {}, "who only reads needs none"
        assert (await store.load([], ["c-0"], [ann])).tombstones == {ann: b"tomb"}
        assert await store.feed(ann) is None
        assert await store.feed(bob) == b"state"
        assert [user for page in await listed(store, 5) for user in page] == [bob]

    async def test_what_comes_of_a_user_in_the_batch_that_deletes_them_is_written(self, store: Store) -> None:
        (ann,) = names_of_one_shard("u", 1)
        await store.commit(batch({"c-0": -1}, {"c-0": 0}, {ann: b"old"}, {ann: b"old"}), "w")
        new = Commit({"c-0": 0}, {"c-0": 1}, {ann: b"new"}, {ann: b"new"}, {}, slates={ann: b"new"})
        await store.commit(new._replace(forgotten={ann: Forgotten(b"t", 5)}, tombstone_ms=60_000), "w")
        assert await store.load([ann], ["c-0"], [ann]) == ([b"new"], {"c-0": 1}, [b"new"], {ann: b"t"})
        assert await store.feed(ann) == b"new"

    async def test_a_tombstone_expires(self, store: Store) -> None:
        await store.commit(batch()._replace(forgotten={"u": Forgotten(b"t", 5)}, tombstone_ms=100), "w")
        await asyncio.sleep(0.3)
        assert (await store.load(["u"], ["c-0"])).tombstones == {}

    async def test_notes_about_a_user_go_with_them(self, store: Store) -> None:
        await store.put_note("write", b"before", "", 60_000, "ann", 5)
        await store.put_note("answer", b"\x00:an answer:1:", "", 60_000, "ann")
        await store.put_note("later", b"since", "", 60_000, "ann", 6)
        await store.put_note("write", b"of bob", "", 60_000, "bob", 5)
        await store.put_note("write", b"of nobody", "", 60_000)
        noted = await store.notes(["write", "answer", "later", "none"], "ann")
        assert noted == [b"before", b"\x00:an answer:1:", b"since", None]
        await store.commit(batch()._replace(forgotten={"ann": Forgotten(b"t", 5)}, tombstone_ms=60_000), "w")
        assert await store.notes(["write", "answer", "later"], "ann") == [None, None, b"since"]
        assert await store.notes(["write"], "bob") == [b"of bob"]
        assert await store.notes(["write"]) == [b"of nobody"]

    async def test_a_note_about_a_user_is_written_where_it_is_as_found(self, store: Store) -> None:
        assert await store.notes([], "ann") == []
        await store.put_note("n", b"one", "", 60_000, "ann", 1)
        for found in ("", digest_of(b"two")):
            with pytest.raises(FencedError):
                await store.put_note("n", b"three", found, 60_000, "ann", 2)
        await store.put_note("n", b"two", digest_of(b"one"), 100, "ann", 2)
        await store.put_note("m", b"stays", "", 60_000, "ann", 2)
        await asyncio.sleep(0.3)
        assert await store.notes(["n", "m"], "ann") == [None, b"stays"]
        await store.put_note("n", b"three", "", 60_000, "ann", 3)
        await store.put_note("n", b"", digest_of(b"three"), 60_000, "ann", 3)
        assert await store.notes(["n", "m"], "ann") == [None, b"stays"]

    # Notes

    async def test_a_note_is_written_where_it_is_as_found(self, store: Store) -> None:
        assert await store.notes([]) == []
        await store.put_note("a", b"one", digest_of(None), 60_000)
        assert await store.notes(["b", "a", "a"]) == [None, b"one", b"one"]
        for found in ("", digest_of(b"two")):
            with pytest.raises(FencedError):
                await store.put_note("a", b"three", found, 60_000)
        await store.put_note("a", b"two", digest_of(b"one"), 60_000)
        await store.put_note("üb", b"\x00", "", 60_000)
        assert await store.notes(["a", "üb"]) == [b"two", b"\x00"]
        await store.put_note("a", b"", digest_of(b"two"), 60_000)
        assert await store.notes(["a"]) == [None]
        await store.put_note("a", b"", "", 60_000)

    async def test_a_report_takes_the_place_of_the_one_before(self, store: Store) -> None:
        assert await store.reports() == []
        await store.put_report("host:2", b"\x00 1 2", 60_000)
        await store.put_report("host:1", b"one", 60_000)
        await store.put_report("host:1", b"two words", 60_000)
        kept = await store.reports()
        assert [(each.worker, each.report) for each in kept] == [
            ("host:1", b"two words"),
            ("host:2", b"\x00 1 2"),
        ]
        assert all(0 <= each.age_ms < 60_000 for each in kept)

    async def test_a_report_is_taken_away_or_expires(self, store: Store) -> None:
        await store.put_report("a", b"", 60_000)
        await store.put_report("b", b"long", 60_000)
        await store.put_report("c", b"gone", 60_000)
        await store.put_report("c", b"", 0)
        await store.put_report("never there", b"", 0)
        assert [each.worker for each in await store.reports()] == ["a", "b"]
        await store.put_report("b", b"short", 200)
        await asyncio.sleep(0.4)
        assert [each.worker for each in await store.reports()] == ["a"]
        await store.put_report("a", b"again", 60_000)
        ((_, age_ms, report),) = await store.reports()
        assert report == b"again"
        assert age_ms < 60_000

    async def test_reports_of_many_workers_at_once(self, store: Store, make_store: MakeStore) -> None:
        writers = [store, make_store()]
        await asyncio.gather(*(writers[n % 2].put_report(f"w{n}", b"%d" % n, 60_000) for n in range(40)))
        assert {each.worker for each in await store.reports()} == {f"w{n}" for n in range(40)}

    async def test_what_the_server_has_to_do(self, store: Store) -> None:
        load = await store.load_of_server()
        assert load.servers >= 1
        assert load.memory_bytes is None or load.memory_bytes > 0

    async def test_a_note_expires(self, store: Store) -> None:
        await store.put_note("a", b"one", "", 100)
        await asyncio.sleep(0.3)
        assert await store.notes(["a"]) == [None]
        await store.put_note("a", b"two", "", 60_000)

    async def test_of_two_who_write_a_note_at_once_one_does(
        self, store: Store, make_store: MakeStore
    ) -> None:
        puts = [each.put_note("a", b"%d" % n, "", 60_000) for n, each in enumerate([store, make_store()] * 4)]
        answers = await asyncio.gather(*puts, return_exceptions=True)
        assert sum(answer is None for answer in answers) == 1
        assert sum(isinstance(answer, FencedError) for answer in answers) == 7

    async def test_the_first_text_encoder_stays_noted(self, store: Store, make_store: MakeStore) -> None:
        assert await store.note_text_encoder("one") == "one"
        assert await make_store().note_text_encoder("two") == "one"
        assert await store.text_encoder() == "one"

    # Experiments

    async def test_experiments_are_changed_with_their_log_in_one_step(self, store: Store) -> None:
        assert (await store.experiments(), await store.experiments_log()) == (None, [])
        await store.put_experiments(b"one", digest_of(None), b"first")
        assert (await store.experiments(), await store.experiments_log()) == (b"one", [b"first"])
        await store.put_experiments(b"two", digest_of(b"one"), b"second")
        assert (await store.experiments(), await store.experiments_log()) == (b"two", [b"first", b"second"])

    @pytest.mark.parametrize("found", [None, b"another"])
    async def test_experiments_that_another_has_changed_stay(self, store: Store, found: bytes | None) -> None:
        await store.put_experiments(b"one", digest_of(None), b"first")
        with pytest.raises(FencedError):
            await store.put_experiments(b"two", digest_of(found), b"second")
        assert (await store.experiments(), await store.experiments_log()) == (b"one", [b"first"])

    async def test_of_two_who_change_experiments_at_once_one_does(
        self, store: Store, make_store: MakeStore
    ) -> None:
        puts = [
            each.put_experiments(b"%d" % n, digest_of(None), b"%d" % n)
            for n, each in enumerate([store, make_store()] * 4)
        ]
        answers = await asyncio.gather(*puts, return_exceptions=True)
        assert sum(answer is None for answer in answers) == 1
        assert sum(isinstance(answer, FencedError) for answer in answers) == 7
        assert await store.experiments_log() == [await store.experiments()]

    async def test_its_condition_can_be_asked_for(self, store: Store) -> None:
        condition = await store.condition()
        assert (condition.policy, condition.role, condition.loading) == ("noeviction", "master", False)
        assert waits_for(condition) is None
        await store.close()
