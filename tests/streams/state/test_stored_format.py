"""Whatever is stored for other builds to read: its version is in the bytes, former versions are read, a newer
one is refused by name.

The bytes of former versions are written here, by encoders that never change with the code.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import zlib
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from aiokafka.structs import ConsumerRecord

import streams
from model.errors import NewerVersionError, StoreError
from streams.counters import snapshot
from streams.counters.aspects import Aspects
from streams.counters.counters import Counters
from streams.counters.pair_kinds import CLOSE, TOGETHER
from streams.counters.settings import CounterSettings
from streams.experiments.registry import state as experiments
from streams.gateway import idempotency
from streams.gateway.records import underway
from streams.kafka import dead_letter_box, dead_letters
from streams.kafka.message import Message
from streams.learning import kept_slates_codec, lesson
from streams.learning.earnings import SourceEarnings
from streams.learning.experts import packing
from streams.learning.kept_slates import Answer, UserSlates
from streams.learning.learner import CountingLearner
from streams.ranking import slate as stored_slate
from streams.recommender import Recommender
from streams.serving import kept_counters, learner_course, renewal_notes, retained_models
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state import catalog, ledger, tombstone, user_state_codec
from streams.state.action_meaning import BUILT_IN
from streams.state.opinion import Opinion
from streams.state.stored_format import NEIGHBOURS, check_version
from streams.state.user_state import NEVER, UserState
from streams.state.user_sums import NOT_MEASURED
from streams.stores.redis import sums
from streams.worker_reports import report
from tests.streams.state.test_user_state_codec import V1 as STATE_V1

NOW_MS = 1_700_000_000_000
packed = msgspec.msgpack.encode


def column(values: list[int] | list[float], dtype: str) -> bytes:
    return np.array(values, dtype).tobytes()


def counted() -> Counters:
    counters = Counters(CounterSettings())
    counters.grow(5)
    counters.popularity.observe(1, NOW_MS, 1.0, 4.0)
    counters.popularity.observe(2, NOW_MS + 1, 1.0, 2.0)
    counters.pairs.observe(2, np.array([1], np.int32), 0, NOW_MS + 1, 1.0)
    counters.interactions = 2
    return counters


# User states.

STATE_V3 = bytes.fromhex(
    "03dc0013c40c070000007011010007000000c403010703c40c0000c07f000090400000c07fc4180068e5cf8b0100000068e5cf8b"
    "0100005454e6cf8b010000c40802000f0e00438b00c404010002060301cb4012000000000000cb4006000000000000cf0000018b"
    "cfe65454c480003400b8"
) + bytes(124) + bytes.fromhex(
    "cb3ff00000000000009193a17305c4080100000002000000c4040000003fc4103031323334353637616263646566676882a6636c"
    "69636b730ba7726576696577730281a3616765a23330c480003000b4"
) + bytes(124)  # fmt: skip


def state_v2() -> bytes:
    """Version 3 without what it added at the end."""
    return b"\x02" + packed(msgspec.msgpack.decode(STATE_V3[1:])[:-1])


# Version 4 knew by which action an item was consumed. Its build wrote these bytes.
STATE_V4 = bytes.fromhex(
    "04dc0012c40c070000007011010007000000c403010703c40c0000c07f000090400000c07fc4180068e5cf8b0100000068e5cf8b"
    "0100005454e6cf8b0100009201c40802000f0e00438b000301cb4012000000000000cb4006000000000000cf0000018bcfe65454"
    "c480003400b8"
) + bytes(124) + bytes.fromhex(
    "cb3ff00000000000009193a17305c4080100000002000000c4040000003fc4103031323334353637616263646566676882a6636c"
    "69636b730ba7726576696577730281a3616765a23330c480003000b4"
) + bytes(124)  # fmt: skip

# Version 5 kept no slates. Its build wrote these bytes.
STATE_V5 = bytes.fromhex(
    "05dc0011c40c070000007011010007000000c403010703c40c0000c07f000090400000c07fc4180068e5cf8b0100000068e5cf8b"
    "0100005454e6cf8b0100009201c40802000f0e00438b000301cb4012000000000000cb4006000000000000cf0000018bcfe65454"
    "c480003400b8"
) + bytes(124) + bytes.fromhex(
    "cb3ff0000000000000c4040000003fc4103031323334353637616263646566676882a6636c69636b730ba7726576696577730281"
    "a3616765a23330c480003000b4"
) + bytes(124)  # fmt: skip

# Version 6 could tell what experiments measure, and knew no search. Its build wrote the same, but for that.
STATE_V6 = bytes.fromhex("06dc0012") + STATE_V5[4:] + b"\xc0"


def check_state(state: UserState) -> None:
    assert state.items.tolist() == [7, 70_000, 7]
    assert state.has_consumed(70_000)
    assert state.offsets == {"clicks": 11, "reviews": 2}
    assert state.profile == {"age": "30"}
    assert state.words[:2].tolist() == [0.25, -0.5]
    assert state.sums == NOT_MEASURED
    assert (len(state.searched), state.searched_ms) == (0, NEVER)


# Ledger entries.


def ledger_v1() -> bytes:
    return packed(
        [
            1, column([3, 4], "<i4"), column([NOW_MS, NOW_MS + 1], "<i8"), bytes([1, 7]),
            column([np.nan, 4.5], "<f8"), column([0, 2], "<u2"), column([9, 8, 7], "<i4"),
            column([1, 2], "<u2"), column([5, 6], "<i4"), column([2], "<u2"), column([4], "<i4"),
            [item_without_views()], "m1",
        ]
    )  # fmt: skip


def ledger_v2() -> bytes:
    v1 = msgspec.msgpack.decode(ledger_v1())
    heard = [column([2], "<i4"), [column([0.5, -1.0], "<f2")]]
    return packed([2, *v1[1:10], *heard, *v1[10:]])


def ledger_v2_with_late_ones() -> bytes:
    """As the last build of version 2 wrote it: with the rows that follow a late interaction, here of none."""
    return packed([*msgspec.msgpack.decode(ledger_v2()), b"", b""])


# Written by that build; the first interaction is a late one.
LEDGER_V2_LATE = bytes.fromhex(
    "dc001102c4080300000004000000c4100068e5cf8b0100000168e5cf8b010000c4020107c410000000000000f87f000000000000"
    "1240c40400000200c40c090000000800000007000000c40401000200c4080500000006000000c4020200c40090c40090a26d31c4"
    "0402000000c40401000000"
)


def check_record(record: ledger.Record) -> None:
    first, second = record.interactions
    assert (first.row, first.ts, first.action, first.tied) == (3, NOW_MS, 1, 0)
    assert np.isnan(first.rating)
    assert (second.row, second.rating, second.tied) == (4, 4.5, 2)
    assert [done.previous.tolist() for done in record.interactions] == [[9], [8, 7]]
    assert [shown.rows.tolist() for shown in record.impressions] == [[5, 6]]
    assert {(shown.user, shown.slate_id, shown.arm) for shown in record.impressions} == {("", "", "")}
    assert [(done.slate_id, done.position) for done in record.interactions] == 2 * [("", -1)]
    assert record.lessons == []
    assert [row for row, _ in record.items] == [4]
    check_item(catalog.decode_item(record.items[0][1]))
    assert record.activate == "m1"
    assert [(row, words.tolist()) for row, words in record.heard] in ([], [(2, [0.5, -1.0])])


# The counters, and the payload around them.


def counters_of(version: int, kinds: int) -> bytes:
    def part(of: Any, columns: tuple[str, ...], numbers: tuple[str, ...]) -> list[Any]:
        arrays = {name: np.asarray(getattr(of, name)) for name in columns}
        if "count" in arrays:
            arrays["count"] = np.ascontiguousarray(arrays["count"][:, :kinds])
        return [
            {name: [each.dtype.str, each.shape, each.tobytes()] for name, each in arrays.items()},
            {name: getattr(of, name) for name in numbers},
        ]

    counters = counted()
    popularity = part(
        counters.popularity,
        ("rates_per_ms", "decayed", "total", "events", "shown", "rating_sum", "rating_count", "first_ms",
         "last_ms"),
        ("landmark_ms", "all_rating_sum", "all_rating_count"),
    )  # fmt: skip
    pairs = part(
        counters.pairs,
        ("start", "length", "room", "outgoing", "neighbour", "count", "free", "used"),
        ("rate_per_ms", "landmark_ms"),
    )
    return packed([version, {"popularity": popularity, "pairs": pairs}, counters.interactions])


def restored(raw: bytes) -> Counters:
    counters = Counters(CounterSettings())
    counters.grow(5)
    snapshot.restore_counters(counters, raw)
    return counters


def check_counters(counters: Counters) -> None:
    expected = counted()
    assert counters.interactions == 2
    items, decayed = expected.pairs.known, expected.popularity.decayed
    np.testing.assert_array_equal(counters.popularity.decayed[:items], decayed[:items])
    assert counters.popularity.leaders(0).tolist() == [2, 1]
    for kind in range(TOGETHER + 1):
        np.testing.assert_array_equal(counters.pairs.count[:, kind], expected.pairs.count[:, kind])
    before, after = counters.pairs.count[:, CLOSE].sum(), expected.pairs.count[:, CLOSE].sum()
    assert before in (0.0, after)
    counters.pairs.observe(3, np.array([2, 1], np.int32), 0, NOW_MS + 2, 1.0)  # it goes on counting
    assert counters.pairs.count[:, CLOSE].sum() > before


def unmarked_payload() -> bytes:
    said = [column([3], "<i4"), column([2.0], "<f4"), column([1.0, *[0.0] * 63], "<f4")]
    return zlib.compress(packed([counters_of(2, 5), said]))


def with_counters(raw: bytes) -> Recommender:
    """Its sources have quotas by what they earned, so that it has all that a payload may hold."""
    recommender = Recommender(override(Settings(), {"candidates": {"quotas": "mean"}}))
    recommender.meet([f"i{n}" for n in range(5)], 0)
    kept_counters.restore(recommender, raw)
    return recommender


def check_payload(recommender: Recommender) -> None:
    assert recommender.counters.interactions == 2
    assert recommender.catalog.reviews[:5].tolist() == [0, 0, 0, 2, 0]
    assert recommender.catalog.text[3, 0] == 1.0


def payload_v1() -> bytes:
    """With a mark, and without a learner."""
    return zlib.compress(packed([*msgspec.msgpack.decode(zlib.decompress(unmarked_payload())), 1]))


def payload_v2() -> bytes:
    """Its learner had learned in no order that others share."""
    return zlib.compress(
        packed([*msgspec.msgpack.decode(zlib.decompress(unmarked_payload())), 2, learner_v1()])
    )


def payload_v3() -> bytes:
    """Its sources earned nothing. Where no quotas ask for it, this build writes the same."""
    first = msgspec.msgpack.decode(zlib.decompress(unmarked_payload()))
    return zlib.compress(packed([*first, 3, learner_v1(), "7-0"]), level=1)


def payload_v4() -> bytes:
    """Its reviews were not read for opinions. Where nothing reads them, this build writes the same."""
    first = msgspec.msgpack.decode(zlib.decompress(unmarked_payload()))
    return zlib.compress(packed([*first, 4, learner_v1(), "7-0", earnings_v1()]), level=1)


def written_payload() -> bytes:
    recommender = with_counters(unmarked_payload())
    recommender.counters.aspects.observe(3, OPINION)
    return kept_counters.copied(recommender).pack()


OPINION = Opinion(64 / 127, ((2, 1.0), (2, -1.0)), "topics")


def opinions_v1() -> bytes:
    counts = np.zeros((1, 2, 32), np.float32)
    counts[0, :, 2] = 1.0
    return packed([1, "topics", column([3], "<i4"), column([1.0, 64 / 127], "<f8"), counts.tobytes()])


def opined(raw: bytes) -> Aspects:
    aspects = Aspects()
    aspects.restore(raw)
    return aspects


def check_opinions(aspects: Aspects) -> None:
    found = aspects.of(3)
    assert found is not None
    assert (aspects.by, found.reviews, found.sentiment) == ("topics", 1, 64 / 127)
    assert (found.praised[2], found.blamed[2], found.praised.sum()) == (1.0, 1.0, 1.0)


# What is kept of slates, and lessons.


def kept_slates_v1() -> bytes:
    made = [
        "s1", NOW_MS, "b", "m", column([3, 4], "<i4"), column([0.5, 0.25], "<f4"), column([0.5, 1.0], "<f4"),
        column([1.0, 2.0, 3.0, 4.0], "<f2"), 2, b"12345678", NOW_MS + 5, column([4, 9], "<i4"),
        column([1.0, np.nan], "<f4"), "home", [[4, 1, 2.5, NOW_MS + 9, 0]], -1,
    ]  # fmt: skip
    own = ["own", NOW_MS, "default", "", *[b""] * 4, 0, b"", -1, b"", b"", "", [], NOW_MS + 7]
    return b"\x01" + packed([[made, own], b"12345678abcdefgh"])


def kept_slates_v2() -> bytes:
    looks = b"\x03\x02\x00\x02\x0012345678" + b"".join(
        [column([0.5, 0.25], "<f4"), column([0.5, 1.0], "<f4"), column([1.0, 2.0, 3.0, 4.0], "<f2")]
    )
    made = [
        "s1", NOW_MS, "b", "m", [3, 4], NOW_MS + 5, [4, 9], [1.0, np.nan], "home",
        [[4, 1, 2.5, NOW_MS + 9, 0]], -1, len(looks),
    ]  # fmt: skip
    own = ["own", NOW_MS, "default", "", [], -1, [], [], "", [], NOW_MS + 7, 0]
    index = packed([[made, own], b"12345678abcdefgh"])
    stamp = hashlib.blake2b(index, digest_size=8).digest()
    return b"\x02" + stamp + len(index).to_bytes(4, "little") + index + looks


def check_kept_slates(kept: UserSlates) -> None:
    made, own = kept.slates
    assert kept.recent == b"12345678abcdefgh"
    assert (made.slate_id, made.ts, made.arm, made.model) == ("s1", NOW_MS, "b", "m")
    looks = made.looked()
    assert (made.rows, looks.scores.tolist()) == ((3, 4), [0.5, 0.25])
    assert looks.propensities.tolist() == [0.5, 1.0]
    assert (looks.features.tolist(), looks.names) == ([[1.0, 2.0], [3.0, 4.0]], b"12345678")
    assert (made.shown_ms, made.shown, made.surface) == (NOW_MS + 5, (4, 9), "home")
    assert made.shown_as[0] == 1.0
    assert np.isnan(made.shown_as[1])
    assert made.answers == (Answer(4, 1, 2.5, NOW_MS + 9, 0),)
    assert (own.slate_id, own.closed_ms, own.looks, own.waits) == ("own", NOW_MS + 7, b"", False)


def lesson_v1() -> bytes:
    return packed(
        [
            1, "u", "s1", "b", "m", "home", NOW_MS, column([4, 3], "<i4"), column([1.0, np.nan], "<f2"),
            b"12345678", column([0.5, np.nan], "<f4"), [[1, 7, np.nan, 40]],
        ]
    )  # fmt: skip


def check_lesson(told: lesson.Lesson) -> None:
    assert (told.user, told.slate_id, told.arm, told.model) == ("u", "s1", "b", "m")
    assert (told.surface, told.shown_ms, told.names) == ("home", NOW_MS, b"12345678")
    assert (told.rows.tolist(), told.features[0].tolist()) == ([4, 3], [1.0])
    assert np.isnan(told.features[1, 0])
    assert (told.named, told.seen) == (-1, 2)
    assert told.propensities[0] == 0.5
    ((place, action, value, delay_ms),) = told.answers
    assert (place, action, delay_ms, np.isnan(value)) == (1, 7, 40, True)


def learner_v1() -> bytes:
    return packed([1, {"answered": 2, "silent": 5}, 90, 3])


def learned(raw: bytes) -> CountingLearner:
    learner = CountingLearner()
    learner.restore(raw)
    return learner


def check_learner(learner: CountingLearner) -> None:
    assert (learner.counts(), learner.places, learner.answers) == ({"answered": 2, "silent": 5}, 90, 3)


def earnings_v1() -> bytes:
    return packed([1, {"taken": 4, "other_columns": 1}, {"nearest": [1.5, 20.25], "fresh": [0.0, 3.0]}])


def earned(raw: bytes) -> SourceEarnings:
    names = ("nearest", "fresh")
    earnings = SourceEarnings(names, [f"rank_{name}" for name in names], BUILT_IN, 0.5)
    earnings.restore(raw)
    return earnings


def check_earnings(earnings: SourceEarnings) -> None:
    assert (earnings.clicks.tolist(), earnings.places.tolist()) == ([1.5, 0.0], [20.25, 3.0])
    assert earnings.counts() == {"taken": 4, "other_columns": 1}


def experts_v1() -> bytes:
    level = [7, {"mean": column([1.0, 0.5], "<f8")}, {"river:a.B": b"state"}]
    pairs = [["arm:a", "", [0.0, -1.0, -1e30], 6]]
    return packed(
        [
            1, ["frozen", "kalman:1"], ["base", "age"], {"answered": 2}, {"caps.hour": column([3], "<i8")},
            {"global": level, "arm:a": level}, {"arm": "default"}, ["arm"], pairs,
        ]
    )  # fmt: skip


def check_experts(learner: packing.PackedLearner) -> None:
    assert (learner.experts, learner.signals) == (["frozen", "kalman:1"], ["base", "age"])
    assert (learner.counts, learner.arrays) == ({"answered": 2}, {"caps.hour": column([3], "<i8")})
    assert (learner.first, learner.several) == ({"arm": "default"}, ["arm"])
    assert learner.levels["arm:a"].taught == 7
    assert learner.levels["global"].arrays == {"mean": column([1.0, 0.5], "<f8")}
    assert learner.levels["global"].river == {"river:a.B": b"state"}
    assert learner.pairs == [("arm:a", "", [0.0, -1.0, -1e30], 6)]


# Items, feeds, dead letters: their first versions were not marked.


def item_without_views() -> bytes:
    return packed(["i4", NOW_MS, False, column([0.5], "<f2"), "Four", ["x"], 3.5, ["t"]])


def unmarked_item() -> bytes:
    return packed([*msgspec.msgpack.decode(item_without_views()), column([1.0], "<f2"), b""])


def check_item(item: catalog.ItemRecord) -> None:
    assert (item.item_id, item.ts, item.available, item.title) == ("i4", NOW_MS, False, "Four")
    assert (item.categories, item.price, item.tags, item.text) == (["x"], 3.5, ["t"], column([0.5], "<f2"))
    assert item.image in (b"", column([1.0], "<f2"))
    assert item.description is None


def feed_with(reason: list[str | None]) -> bytes:
    return packed(
        {
            "slate_id": "s", "user_id": "u", "ts": NOW_MS, "items": [["i", 0.5, "popular", reason]],
            "model": "m", "rung": "full", "arm": "default", "cause": "e", "times": {"event": 1.0},
        }
    )  # fmt: skip


def check_feed(slate: stored_slate.Slate) -> None:
    assert (slate.slate_id, slate.user_id, slate.ts, slate.cause) == ("s", "u", NOW_MS, "e")
    assert slate.items[0].item_id == "i"
    assert slate.items[0].reason == stored_slate.Reason("after", "j")
    assert slate.times == {"event": 1.0}


# Notes of experiments' sums.


def note_v1() -> bytes:
    return packed([1, NOW_MS, {"bold:click_through@00112233:1": -7}])


def check_note(note: sums.Note) -> None:
    assert (note.ts_ms, note.numbers) == (NOW_MS, {"bold:click_through@00112233:1": -7})


# What was learned over time.


def course_v1() -> bytes:
    level = [4, [0.75, 0.25], 0.5, True, -1.25]
    return packed([1, ["frozen", "kalman:1", "global"], [[NOW_MS, {"global": level}]]])


def check_course(course: learner_course.Course) -> None:
    level = learner_course.LevelPoint(4, [0.75, 0.25], 0.5, True, -1.25)
    assert course.experts == ["frozen", "kalman:1", "global"]
    assert course.points == [learner_course.Point(NOW_MS, {"global": level})]


# What is asked of renewals.


def asked_v1() -> bytes:
    return packed([1, "id", NOW_MS, "ann", "why"])


def check_asked(asked: renewal_notes.RenewalAsked) -> None:
    assert asked == renewal_notes.RenewalAsked(1, "id", NOW_MS, "ann", "why")


def retained_v1() -> bytes:
    return packed([1, ["a", "b"]])


def check_retained(names: frozenset[str]) -> None:
    assert names == {"a", "b"}


def as_headers(raw: bytes) -> list[tuple[str, bytes]]:
    return [(name, value) for name, value in msgspec.msgpack.decode(raw)]


def unmarked_letter() -> bytes:
    return packed(
        [
            ("topic", b"headrace.clicks"), ("partition", b"2"), ("offset", b"7"), ("reason", b"invalid"),
            ("message", b"why"), ("key", b"k"), ("time", b"5"),
        ]
    )  # fmt: skip


def written_letter() -> bytes:
    letter = dead_letters.DeadLetter(Message("clicks", 2, 7, 1.0, b"k", b"value"), "invalid", "why", 5)
    return packed(dead_letters.headers(letter, "headrace.clicks"))


def read_letter(raw: bytes) -> dead_letter_box.StoredLetter:
    headers = tuple(as_headers(raw))
    record = ConsumerRecord("d", 0, 3, 0, 0, b"k", b"value", None, 0, 0, headers)
    return dead_letter_box.stored_letter(record, frozenset())


def check_letter(letter: dead_letter_box.StoredLetter) -> None:
    assert letter == dead_letter_box.StoredLetter(
        3, "headrace.clicks", 2, 7, "invalid", "why", 5, b"k", b"value", False
    )


def registry_v1() -> bytes:
    """Experiments, as JSON."""
    return (
        b'{"entries":2,"experiments":{"e":{"changed_ms":1700000000000,"declared":{"arms":{"bold":{"model":"",'
        b'"stages":{"feed":{"size":3}},"weight":2.0},"plain":{"model":"","stages":{},"weight":1.0}},"control":'
        b'"plain","hypothesis":"It is better.","minimum_effect":0.05,"primary":"click_through","share":0.5,'
        b'"users":1000},"phases":[{"number":1,"since_ms":1700000000000,"weights":{"bold":2.0,"plain":1.0}}],'
        b'"slices":[[0,5000]],"state":"running","stopped_arms":[],"winner":""}},"head":"ab","v":1}'
    )


def check_registry(registry: experiments.Registry) -> None:
    each = registry.experiments["e"]
    assert (registry.entries, registry.head, each.state, each.arm_stopped_ms) == (2, "ab", "running", 0)
    assert (each.slices, each.phases[0].weights) == (((0, 5_000),), {"bold": 2.0, "plain": 1.0})
    assert each.declared.arms["bold"].stages == {"feed": {"size": 3}}


def kept_answer() -> bytes:
    return packed([1, b"\x01", 202, b"{}", "application/json", [["ETag", '"a"']]])


def check_answer(kept: idempotency.KeptAnswer) -> None:
    assert (kept.request, kept.status, kept.body) == (b"\x01", 202, b"{}")
    assert (kept.media_type, kept.headers) == ("application/json", [("ETag", '"a"')])


def note_of_a_write() -> bytes:
    return packed([1, False, ["", '"a"'], "e1", NOW_MS, b'{"user_id":"u"}', b"{}"])


def check_write(note: underway.Note) -> None:
    assert (note.sent, note.over, note.event_id, note.ts) == (False, ["", '"a"'], "e1", NOW_MS)
    assert (note.document, note.before) == (b'{"user_id":"u"}', b"{}")


def tombstone_v1() -> bytes:
    return packed([1, NOW_MS, {"clicks": 3}, b"8 bytes."])


def check_tombstone(read: tombstone.Tombstone) -> None:
    assert (read.forgotten_ms, read.offsets, read.recent) == (NOW_MS, {"clicks": 3}, b"8 bytes.")


def tombstone_of_this_build() -> bytes:
    state = UserState(offsets={"clicks": 3}, recent=(b"8 bytes.",), forgotten_ms=NOW_MS, gone=True)
    return tombstone.encode_tombstone(state)


def report_v1() -> bytes:
    shown = [9, 180, 9, {"popular": 180}, {"i1": 9}, 180, 9, 4.5, 8, 6.0, 1_000]
    return packed(
        [
            1, "host:7", NOW_MS, NOW_MS + 5_000, False, "no answer", {"clicks": [7, 1, 0]}, [3, 8],
            {"whole": [0, 2, 7]}, {"full": 9}, {"clicks": 4}, {"clicks-0": [8, 12]}, 2, {"invalid": 1},
            {"store": 3}, {"m1": "CPU"}, "1-0", 5, True, 1_000_000, 2.5, shown,
        ]
    )  # fmt: skip


def check_report(told: report.Report) -> None:
    assert (told.worker, told.began_ms, told.at_ms, told.ready) == ("host:7", NOW_MS, NOW_MS + 5_000, False)
    assert (told.events, told.batch_events, told.rungs) == ({"clicks": (7, 1, 0)}, (3, 8), {"full": 9})
    assert (told.lag, told.partitions, told.queued) == ({"clicks": 4}, {"clicks-0": (8, 12)}, 2)
    assert (told.models, told.ledger, told.leads, told.busy_s) == ({"m1": "CPU"}, "1-0", True, 2.5)
    assert (told.shown.items, told.shown.entropy_sum, told.shown.catalogue) == ({"i1": 9}, 4.5, 1_000)


class Format(NamedTuple):
    """`written`: bytes of this build. `frozen`: bytes of each version, former ones above all, by their
    number; several where a version came in several forms. `marked(raw, version)`: the bytes with another
    number.
    """

    written: Callable[[], bytes]
    read: Callable[[bytes], Any]
    check: Callable[[Any], None]
    frozen: Mapping[int, list[Callable[[], bytes]]]
    marked: Callable[[bytes, int], bytes]


def first_element(raw: bytes, version: int) -> bytes:
    return packed([version, *msgspec.msgpack.decode(raw)[1:]])


def third_element(raw: bytes, version: int) -> bytes:
    first, second, _, *rest = msgspec.msgpack.decode(raw)
    return packed([first, second, version, *rest])


def eleventh_element(raw: bytes, version: int) -> bytes:
    """Behind the fields that items had before they were marked."""
    parts = msgspec.msgpack.decode(raw)
    return packed([*parts[:10], version, *parts[11:]])


FORMATS: dict[str, Format] = {
    "state.user_state_codec": Format(
        lambda: user_state_codec.encode(user_state_codec.decode(STATE_V3)),
        user_state_codec.decode,
        check_state,
        {
            1: [lambda: STATE_V1],
            2: [state_v2],
            3: [lambda: STATE_V3],
            4: [lambda: STATE_V4],
            5: [lambda: STATE_V5],
            6: [lambda: STATE_V6],
        },
        lambda raw, version: bytes([version]) + raw[1:],
    ),
    "state.ledger": Format(
        lambda: ledger.encode_record(ledger.decode_record(ledger_v2())),
        ledger.decode_record,
        check_record,
        {1: [ledger_v1], 2: [ledger_v2, ledger_v2_with_late_ones]},
        first_element,
    ),
    "counters.snapshot": Format(
        lambda: snapshot.pack_counters(counted()),
        restored,
        check_counters,
        {1: [lambda: counters_of(1, 4)], 2: [lambda: counters_of(2, 5)]},
        first_element,
    ),
    "serving.kept_counters": Format(
        written_payload,
        with_counters,
        check_payload,
        {1: [unmarked_payload, payload_v1], 2: [payload_v2], 3: [payload_v3], 4: [payload_v4]},
        lambda raw, version: zlib.compress(third_element(zlib.decompress(raw), version), level=1),
    ),
    "learning.kept_slates_codec": Format(
        lambda: kept_slates_codec.encode(kept_slates_codec.decode(kept_slates_v2())),
        kept_slates_codec.decode,
        check_kept_slates,
        {1: [kept_slates_v1], 2: [kept_slates_v2]},
        lambda raw, version: bytes([version]) + raw[1:],
    ),
    "learning.lesson": Format(
        lambda: lesson.encode_lesson(lesson.decode_lesson(lesson_v1())),
        lesson.decode_lesson,
        check_lesson,
        {1: [lesson_v1]},
        first_element,
    ),
    "learning.learner": Format(
        lambda: learned(learner_v1()).pack(), learned, check_learner, {1: [learner_v1]}, first_element
    ),
    "learning.earnings": Format(
        lambda: earned(earnings_v1()).pack(), earned, check_earnings, {1: [earnings_v1]}, first_element
    ),
    "counters.aspects": Format(
        lambda: opined(opinions_v1()).pack(), opined, check_opinions, {1: [opinions_v1]}, first_element
    ),
    "learning.experts.packing": Format(
        lambda: packing.packed(packing.unpacked(experts_v1())),
        packing.unpacked,
        check_experts,
        {1: [experts_v1]},
        first_element,
    ),
    "experiments.registry.state": Format(
        lambda: experiments.encode(experiments.decode(registry_v1())),
        experiments.decode,
        check_registry,
        {1: [registry_v1]},
        lambda raw, version: re.sub(rb'"v":\d+', b'"v":%d' % version, raw),
    ),
    "state.catalog": Format(
        lambda: catalog.encode_item(catalog.decode_item(unmarked_item())),
        catalog.decode_item,
        check_item,
        {1: [item_without_views, unmarked_item]},
        eleventh_element,
    ),
    "ranking.slate": Format(
        lambda: stored_slate.encode(stored_slate.decode(feed_with(["after", "j", None]))),
        stored_slate.decode,
        check_feed,
        {1: [lambda: feed_with(["after", "j"]), lambda: feed_with(["after", "j", None])]},
        lambda raw, version: packed({**msgspec.msgpack.decode(raw), "v": version}),
    ),
    "gateway.idempotency": Format(
        lambda: idempotency.encode_answer(idempotency.decode_answer(kept_answer())),
        idempotency.decode_answer,
        check_answer,
        {1: [kept_answer]},
        first_element,
    ),
    "gateway.records.underway": Format(
        lambda: underway.encode_note(underway.decode_note(note_of_a_write())),
        underway.decode_note,
        check_write,
        {1: [note_of_a_write]},
        first_element,
    ),
    "state.tombstone": Format(
        tombstone_of_this_build,
        tombstone.decode_tombstone,
        check_tombstone,
        {1: [tombstone_v1]},
        first_element,
    ),
    "worker_reports.report": Format(
        lambda: report.encode(report.decode(report_v1())),
        report.decode,
        check_report,
        {1: [report_v1]},
        first_element,
    ),
    "stores.redis.sums": Format(
        lambda: sums.encode_note(NOW_MS, {"bold:click_through@00112233:1": -7}),
        sums.decode_note,
        check_note,
        {1: [note_v1]},
        first_element,
    ),
    "serving.learner_course": Format(
        lambda: learner_course.encode_course(learner_course.decode_course(course_v1())),
        learner_course.decode_course,
        check_course,
        {1: [course_v1]},
        first_element,
    ),
    "serving.renewal_notes": Format(
        lambda: renewal_notes.encode_asked(renewal_notes.decode_asked(asked_v1())),
        renewal_notes.decode_asked,
        check_asked,
        {1: [asked_v1]},
        first_element,
    ),
    "serving.retained_models": Format(
        lambda: retained_models.encode_retained(retained_models.decode_retained(retained_v1())),
        retained_models.decode_retained,
        check_retained,
        {1: [retained_v1]},
        first_element,
    ),
    "kafka.dead_letters": Format(
        written_letter,
        read_letter,
        check_letter,
        {1: [unmarked_letter]},
        lambda raw, version: packed([*as_headers(raw)[:-1], ("version", b"%d" % version)]),
    ),
}
APART = {
    "state.ledger_layout": "the layout that `state.ledger` writes",
    "state.user_state_migrations": "what `state.user_state_codec` lifts; its bytes are frozen there",
    "events.schema": "the wire: `v` is refused by `check`, see test_schema",
    "learning.experts.river_expert": "a classifier's state within `learning.experts.packing`",
    "ranking.lists.cursor": "a page's end, which the caller keeps; another version is refused as no cursor",
    "offline.building.segment": "a file that lives for one run of one build",
    "stores.redis.relay": "a map of items to 0 or 1, in an entry of an outbox until it is in the ledger",
}


def test_a_late_interaction_of_version_2_is_one() -> None:
    first, second = ledger.decode_record(LEDGER_V2_LATE).interactions
    assert (first.following.tolist(), second.following.tolist()) == ([2], [])


def stored_formats() -> set[str]:
    """The modules of `streams` that say which version they write, or that write msgpack."""
    root = Path(next(iter(streams.__path__)))
    found = set()
    for file in root.rglob("*.py"):
        source = file.read_text()
        if "\nVERSION = " in source or "msgpack.Encoder(" in source or "msgpack.encode(" in source:
            found.add(".".join(file.relative_to(root).with_suffix("").parts))
    return found


def newest(name: str) -> int:
    version = importlib.import_module(f"streams.{name}").VERSION
    assert isinstance(version, int)
    return version


IN_THE_TABLE = {
    "user state": ["state.user_state_codec"],
    "kept slates": ["learning.kept_slates_codec"],
    "ledger entry": ["state.ledger"],
    "lesson, learner": ["learning.lesson", "learning.learner", "learning.experts.packing"],
    "counters in": ["counters.snapshot"],
    "snapshot around": ["serving.kept_counters"],
    "what sources earned": ["learning.earnings", "counters.aspects"],
    "note of an experiment": ["stores.redis.sums"],
    "what was learned": ["serving.learner_course"],
    "requests and status of renewals": ["serving.renewal_notes", "serving.retained_models"],
    "item (": ["state.catalog", "ranking.slate", "kafka.dead_letters"],
    "tombstone": ["state.tombstone", "experiments.registry.state", "worker_reports.report"],
    "notes of writes": ["gateway.records.underway", "gateway.idempotency"],
}
"""How rows of the table of versions in docs/operations.md begin, and which formats they are about."""


def test_the_table_of_versions_is_true() -> None:
    assert sorted(chain.from_iterable(IN_THE_TABLE.values())) == sorted(FORMATS)
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
    rows = [
        row.strip("|").split("|") for row in text.partition("## Upgrades")[2].splitlines() if row[:1] == "|"
    ]
    for begins, names in IN_THE_TABLE.items():
        (row,) = [row for row in rows if row[0].strip().startswith(begins)]
        written, former = row[1].strip(), row[2]
        for name in names:
            assert written.partition(" ")[0] == str(newest(name)), (begins, name)
            if newest(name) > 1:
                told = {int(number) for number in re.findall(r"\b\d+\b", former)}
                assert (min(told), max(told)) == (1, newest(name) - 1), (begins, name)


def test_every_stored_format_is_here() -> None:
    assert stored_formats() == FORMATS.keys() | APART.keys()


@pytest.mark.parametrize("name", FORMATS)
def test_every_former_version_is_frozen_here(name: str) -> None:
    assert set(range(1, newest(name))) <= FORMATS[name].frozen.keys()


@pytest.mark.parametrize(
    ("name", "version", "at"),
    [
        (name, version, at)
        for name, each in FORMATS.items()
        for version, forms in each.frozen.items()
        for at in range(len(forms))
    ],
)
def test_former_versions_are_read(name: str, version: int, at: int) -> None:
    each = FORMATS[name]
    each.check(each.read(each.frozen[version][at]()))


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_says_its_version_and_comes_back(name: str) -> None:
    each = FORMATS[name]
    raw = each.written()
    assert each.marked(raw, newest(name)) == raw
    each.check(each.read(raw))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ahead", [1, 2])
def test_a_newer_version_is_refused_by_name(name: str, ahead: int) -> None:
    each, version = FORMATS[name], newest(name) + ahead
    with pytest.raises(NewerVersionError, match=f"version {version}; this build reads .*upgrade it"):
        each.read(each.marked(each.written(), version))


@pytest.mark.parametrize("version", [0, -1, 1 + NEIGHBOURS + 1, 200])
def test_a_number_that_no_build_wrote_is_damage(version: int) -> None:
    with pytest.raises(StoreError, match="it was changed") as raised:
        check_version("feed", version, 1)
    assert not isinstance(raised.value, NewerVersionError)


def test_without_quotas_a_payload_is_of_the_version_that_builds_before_read() -> None:
    recommender = Recommender(Settings())
    recommender.meet([f"i{n}" for n in range(5)], 0)
    kept_counters.restore(recommender, payload_v3())
    again = msgspec.msgpack.decode(zlib.decompress(kept_counters.copied(recommender).pack()))
    assert (len(again), again[2], again[4]) == (5, 3, "7-0")


def test_opinions_come_back_from_a_payload_and_need_no_quotas() -> None:
    for settings in (Settings(), override(Settings(), {"candidates": {"quotas": "mean"}})):
        recommender = Recommender(settings)
        recommender.meet([f"i{n}" for n in range(5)], 0)
        kept_counters.restore(recommender, payload_v3())
        recommender.counters.aspects.observe(3, OPINION)
        raw = kept_counters.copied(recommender).pack()
        again = Recommender(settings)
        again.meet([f"i{n}" for n in range(5)], 0)
        kept_counters.restore(again, raw)
        check_opinions(again.counters.aspects)
        assert kept_counters.copied(again).pack() == raw


def test_a_ledger_entry_tells_opinions() -> None:
    told = ledger.Record(opinions=[(3, OPINION), (4, Opinion(-1.0, (), "topics"))])
    assert ledger.decode_record(ledger.encode_record(told)) == told
