"""The bytes of a user's state: nothing is lost, little is used, old ones are lifted, wrong ones are named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from model.errors import StoreError
from streams.events.schema import Review, UserEvent
from streams.state.action_meaning import Meanings
from streams.state.consumed import (
    EVERY_ACTION,
    FORGOTTEN,
    NOTHING,
    UNKNOWN,
    Consumed,
)
from streams.state.fold import Delivery, apply
from streams.state.user_state import (
    ACTION_CODE,
    EMPTY,
    EVENT_ID_BYTES,
    NEVER,
    NO_SEARCH,
    Rows,
    StateSettings,
    UserState,
)
from streams.state.user_state_codec import VERSION, decode, encode
from streams.state.user_state_migrations import MIGRATIONS
from streams.state.user_sums import EXPOSURES_MOST, MOMENTS_MOST, Exposure, Moment, UserSums
from tests.streams.user_events import delivered, fold, plain, step, user_events

CATALOGUE = 1_000_000


def full_state(seed: int) -> UserState:
    """Every part at its bound, with rows drawn from a large catalogue."""
    draw = np.random.default_rng(seed)

    def rows(n: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return draw.choice(CATALOGUE, n, replace=False).astype(np.int32)

    return UserState(
        items=rows(50),
        actions=draw.integers(0, len(ACTION_CODE), 50).astype(np.uint8),
        ratings=draw.uniform(1, 5, 50).astype(np.float32),
        times=np.sort(draw.integers(1_600_000_000_000, 1_800_000_000_000, 50)),
        consumed=Consumed(((1, np.sort(rows(10_000))),)).fitted(StateSettings().consumed_bytes),
        interactions=123_456,
        rating_count=9_999,
        rating_sum=34_567.8,
        activity=17.3,
        last_ts=1_799_999_999_999,
        words=draw.normal(size=64).astype(np.float16).astype(np.float32),
        words_weight=7.7,
        liked=draw.normal(size=64).astype(np.float16).astype(np.float32),
        recent=tuple(draw.bytes(EVENT_ID_BYTES) for _ in range(64)),
        offsets=dict.fromkeys(("clicks", "reviews", "impressions", "users", "items", "control"), 10**9),
        profile={"age": "35-44", "country": "DE", "language": "de", "gender": "f", "occupation": "librarian"},
        searched=draw.normal(size=64).astype(np.float16).astype(np.float32),
        searched_ms=1_799_999_999_998,
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_full_state_is_under_12_kb_and_comes_back(seed: int) -> None:
    """Of which the ten thousand items that the user has met take less than 8."""
    state = full_state(seed)
    raw = encode(state)
    without = encode(replace(state, consumed=NOTHING))
    assert len(raw) < 12_288
    assert len(without) < 4_096
    assert len(raw) - len(without) < 8_000
    assert plain(decode(raw)) == plain(state)


@pytest.mark.parametrize("most", [64, 300, 2_000, 7_900])
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 2**31 - 1) | st.integers(0, 3_000), st.sampled_from(range(8))), max_size=80
    )
)
def test_consumed_items_come_back_in_every_form(pairs: list[tuple[int, int]], most: int) -> None:
    consumed = NOTHING
    for row, action in pairs:
        consumed = consumed.add(row, action, EVERY_ACTION, most)
    state = UserState(consumed=consumed)
    assert plain(decode(encode(state))) == plain(state)


def test_a_state_of_few_items_is_no_larger_than_it_was() -> None:
    """Version 3 had 2 bytes for a set that was empty; the action takes as many, and no search takes 3."""
    rows = np.arange(0, 300, 3, dtype=np.int32)
    state = UserState(consumed=Consumed(((1, rows),)))
    assert len(encode(state)) <= len(version_3(replace(state, consumed=NOTHING), rows, rows[:0])) + 3


@given(user_events)
def test_a_state_comes_back_as_it_was(events: list[UserEvent]) -> None:
    state = fold(delivered(events))
    assert plain(decode(encode(state))) == plain(state)


@given(user_events, st.data())
def test_it_does_not_matter_how_often_a_state_is_stored_on_the_way(
    events: list[UserEvent], data: st.DataObject
) -> None:
    state = EMPTY
    for event, delivery in delivered(events):
        state = step(state, event, delivery).state
        if data.draw(st.booleans()):
            state = decode(encode(state))
    assert plain(state) == plain(fold(delivered(events)))


@given(user_events, st.randoms(use_true_random=False))
def test_a_history_in_the_order_of_arrival_is_sorted_as_it_is_read(
    events: list[UserEvent], random: Random
) -> None:
    """As builds before wrote it; interactions of one time stay as they came."""
    state = fold(delivered(events))
    order = list(range(len(state.items)))
    random.shuffle(order)
    as_it_came = replace(
        state,
        items=state.items[order],
        actions=state.actions[order],
        ratings=state.ratings[order],
        times=state.times[order],
    )
    again = decode(encode(as_it_came))
    by_time = sorted(order, key=lambda at: int(state.times[at]))
    assert again.times.tolist() == state.times.tolist()
    assert again.items.tolist() == state.items[by_time].tolist()
    assert again.actions.tolist() == state.actions[by_time].tolist()
    np.testing.assert_array_equal(again.ratings, state.ratings[by_time])


def test_the_weights_come_back() -> None:
    weights = np.array([0.1, -math.pi, math.inf], np.float32)
    assert decode(encode(UserState(weights=weights))).weights.tolist() == weights.tolist()


moments = st.builds(
    Moment,
    st.integers(0, 253_402_300_799_000),
    st.integers(0, 256),
    st.lists(st.integers(-(10**14), 10**14), max_size=5).map(tuple),
)
amounts = st.dictionaries(st.integers(0, 1_100), st.integers(-(2**62), 2**62), max_size=6)
exposures = st.builds(
    Exposure,
    st.binary(min_size=8, max_size=8),
    st.text(min_size=1, max_size=64),
    st.integers(0, 253_402_300_799_000),
    st.booleans(),
    st.binary(max_size=40),
    amounts,
    amounts,
)
sums = st.builds(
    UserSums,
    st.lists(moments, max_size=MOMENTS_MOST).map(sorted).map(tuple),
    amounts,
    st.lists(exposures, max_size=EXPOSURES_MOST).map(tuple),
)


@given(sums)
def test_what_experiments_measure_comes_back(measured: UserSums) -> None:
    assert decode(encode(UserState(sums=measured))).sums == measured


def test_a_user_of_no_experiment_costs_one_byte() -> None:
    assert len(encode(EMPTY)) == len(version_5(EMPTY)) + 1


def test_what_experiments_measure_of_a_user_is_small() -> None:
    """Five experiments of three metrics, and as many moments as are kept."""
    since = dict.fromkeys((1, 512, 513, 514, 515), 20000)
    exposed = tuple(
        Exposure(bytes([n] * 8), "treatment", 1_700_000_000_000, False, bytes(12), since, since)
        for n in range(5)
    )
    kept = tuple(Moment(1_700_000_000_000 + 60_000 * n, 1, (25,)) for n in range(MOMENTS_MOST))
    raw = len(encode(UserState(sums=UserSums(kept, since, exposed)))) - len(encode(EMPTY))
    without = len(encode(UserState(sums=UserSums(kept)))) - len(encode(EMPTY))
    assert raw - without <= 5 * 3 * 40
    assert without <= 9 * MOMENTS_MOST


def version_5(state: UserState) -> bytes:
    """The bytes of a state without sums, as version 5 stored it."""
    return b"\x05" + msgspec.msgpack.encode(msgspec.msgpack.decode(encode(state)[1:])[:-1])


def test_an_unseen_user_is_empty() -> None:
    assert decode(None) is EMPTY
    assert plain(decode(encode(EMPTY))) == plain(EMPTY)


# A state as version 1 stored it. Kept as bytes: this build has nothing that writes them.
V1 = (
    bytes.fromhex(
        "019fc40c070000007011010007000000c403010703c40c0000c07f000090400000c07fc4180068e5cf8b0100000068e5cf8b"
        "0100005454e6cf8b010000c40870110100070000000301cb4012000000000000cb4006000000000000cf0000018bcfe65454"
        "c501000000803e000000bf"
    )
    + bytes(4 * 62)  # the rest of the words
    + bytes.fromhex(
        "cb3ff0000000000000c4103031323334353637616263646566676882a6636c69636b730ba77265766965777302"
        "81a3616765a23330"
    )
)


def test_a_state_of_version_1_is_lifted() -> None:
    words = np.zeros(64, np.float32)
    words[:2] = 0.25, -0.5
    assert plain(decode(V1)) == plain(
        UserState(
            items=np.array([7, 70_000, 7], np.int32),
            actions=np.array([1, 7, 3], np.uint8),
            ratings=np.array([math.nan, 4.5, math.nan], np.float32),
            times=np.array([1_700_000_000_000, 1_700_000_000_000, 1_700_000_060_500]),
            consumed=Consumed(((UNKNOWN, np.array([7, 70_000], np.int32)),)),
            interactions=3,
            rating_count=1,
            rating_sum=4.5,
            activity=2.75,
            last_ts=1_700_000_060_500,
            words=words,
            words_weight=1.0,
            liked=np.zeros(64, np.float32),
            recent=(b"01234567", b"abcdefgh"),
            offsets={"clicks": 11, "reviews": 2},
            profile={"age": "30"},
        )
    )


def test_a_lifted_state_is_stored_in_the_present_version() -> None:
    raw = encode(decode(V1))
    assert raw[0] == VERSION
    assert plain(decode(raw)) == plain(decode(V1))


def version_3(state: UserState, young: Rows, old: Rows, shown: Sequence[Sequence[object]] = ()) -> bytes:
    """The bytes that version 3 stored, as its build wrote them; `young` and `old` are what was consumed,
    `shown` the slates that were.
    """

    def rows(values: Rows) -> bytes:
        return values.astype("<i4").tobytes()

    body = [
        rows(state.items),
        state.actions.tobytes(),
        state.ratings.astype("<f4").tobytes(),
        state.times.astype("<i8").tobytes(),
        rice(young),
        rice(old),
        state.interactions,
        state.rating_count,
        state.rating_sum,
        state.activity,
        state.last_ts,
        state.words.astype("<f2").tobytes(),
        state.words_weight,
        list(shown),
        state.weights.astype("<f4").tobytes(),
        b"".join(state.recent),
        state.offsets,
        state.profile,
        state.liked.astype("<f2").tobytes(),
    ]
    return b"\x03" + msgspec.msgpack.encode(body)


def rice(rows: Rows) -> bytes:
    """Sorted rows as version 3 packed them: k is the largest power of two up to the mean gap."""
    if not len(rows):
        return b""
    k = max(0, ((int(rows[-1]) + 1) // len(rows)).bit_length() - 1)
    bits, last = "", -1
    for row in rows.tolist():
        gap, last = row - last - 1, row
        quotient, remainder = gap >> k, gap & ((1 << k) - 1)
        if quotient < 24:
            low_first = (
                "1" * quotient + "0" + format(remainder, f"0{k}b")[::-1] if k else "1" * quotient + "0"
            )
        else:
            low_first = "1" * 24 + format(gap, "031b")[::-1]
        bits += low_first
    bits += "0" * (-len(bits) % 8)
    packed = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    return len(rows).to_bytes(2, "little") + bytes([k]) + packed


# A state as version 3's build stored it. Kept as bytes, like version 1's.
V3 = bytes.fromhex(
    "03dc0013c4080700000070110100c4020101c4080000c07f00009040c4100068e5cf8b0100005454e6cf8b010000c4080200"
    "0f0e00438b00c40802000f0600638b000201cb4012000000000000cb3ff8000000000000cf0000018bcfe65454c400cb0000"
    "0000000000009193a27331cf0000018bcfe56800c4080300000004000000c400c41030313233343536376162636465666768"
    "81a6636c69636b730b81a3616765a23330c400"
)


def test_a_state_of_version_3_is_lifted() -> None:
    lifted = decode(V3)
    expected = UserState(
        items=np.array([7, 70_000], np.int32),
        actions=np.array([1, 1], np.uint8),
        ratings=np.array([math.nan, 4.5], np.float32),
        times=np.array([1_700_000_000_000, 1_700_000_060_500]),
        consumed=Consumed(((UNKNOWN, np.array([3, 7, 70_000], np.int32)),)),
        interactions=2,
        rating_count=1,
        rating_sum=4.5,
        activity=1.5,
        last_ts=1_700_000_060_500,
        recent=(b"01234567", b"abcdefgh"),
        offsets={"clicks": 11},
        profile={"age": "30"},
    )
    assert plain(lifted) == plain(expected)
    columns = [np.array(rows, np.int32) for rows in ([7, 70_000], [3, 70_000])]
    shown = [["s1", 1_700_000_000_000, np.array([3, 4], "<i4").tobytes()]]
    assert version_3(expected, columns[0], columns[1], shown) == V3, (
        "the frozen encoder above writes what that build wrote"
    )


@given(
    st.sets(st.integers(0, 2**31 - 1) | st.integers(0, 3_000), max_size=100),
    st.sets(st.integers(0, 2**31 - 1) | st.integers(0, 3_000), max_size=100),
)
def test_a_state_of_version_3_is_lifted_with_both_its_generations(young: set[int], old: set[int]) -> None:
    whole = full_state(3)
    expected: Rows = np.array(sorted(young | old), np.int32)
    columns = [np.array(sorted(each), np.int32) for each in (young, old)]
    lifted = decode(version_3(whole, columns[0], columns[1]))
    groups = ((UNKNOWN, expected),) if len(expected) else ()
    assert plain(lifted) == plain(not_searched(replace(whole, consumed=Consumed(groups))))
    assert all(lifted.has_consumed(row) for row in young | old)
    assert not any(lifted.has_consumed(row, Meanings(repeat=True).blocking) for row in young | old)
    assert all(lifted.has_consumed(row, Meanings(repeat=["click"]).blocking) for row in young | old)


def test_two_generations_larger_than_a_set_may_be_become_a_filter() -> None:
    young, old = np.arange(0, 120_000, 2, dtype=np.int32), np.arange(1, 120_000, 2, dtype=np.int32)
    lifted = decode(version_3(EMPTY, young, old))
    assert lifted.consumed.hash_bits > 0
    assert all(lifted.has_consumed(row) for row in range(0, 120_000, 997))
    assert plain(decode(encode(lifted))) == plain(lifted)


def not_searched(state: UserState) -> UserState:
    """As builds knew users that kept no search."""
    return replace(state, searched=NO_SEARCH, searched_ms=NEVER)


def as_version_2(state: UserState) -> bytes:
    """The bytes that version 2 stored: version 3 without its last part."""
    body = msgspec.msgpack.decode(version_3(state, state.items[:0], state.items[:0])[1:])
    return b"\x02" + msgspec.msgpack.encode(body[:-1])


@given(user_events)
def test_a_state_of_version_2_is_lifted_as_if_its_words_had_felt_like_nothing(
    events: list[UserEvent],
) -> None:
    state = fold(delivered(events))
    expected = not_searched(replace(state, liked=np.zeros(len(state.words), np.float32), consumed=NOTHING))
    assert plain(decode(as_version_2(state))) == plain(expected)


def test_a_lifted_state_goes_on_hearing() -> None:
    old = decode(as_version_2(replace(full_state(1), words_weight=1.0)))
    words = np.full(64, 0.5, np.float32)
    review = Review(event_id="new", ts=old.last_ts, user_id="u", item_id="i1", rating=5.0)
    heard = apply(old, review, Delivery("reviews", 10**9 + 1), (1,), words, StateSettings()).state
    kept = 0.5 ** (1 / StateSettings().words_half_life)
    np.testing.assert_allclose(heard.liked, words / (1 + kept), atol=1e-3)


def test_there_is_a_way_up_from_every_version() -> None:
    assert set(MIGRATIONS) == set(range(1, VERSION))


def test_a_state_of_a_newer_build_is_refused_and_says_so() -> None:
    with pytest.raises(StoreError, match=f"version {VERSION + 1}; this build reads up to {VERSION}"):
        decode(bytes([VERSION + 1]) + encode(EMPTY)[1:])


def readable(raw: bytes) -> bool:
    """Whether it is a state, fit to be folded on and stored. Nothing but `StoreError` may be raised."""
    try:
        state = decode(raw)
    except StoreError:
        return False
    assert plain(decode(encode(state))) == plain(state)
    mask = np.zeros(max(100, state.consumed.newest() % 1_000_000 + 1), np.uint8)
    if state.consumed.newest() < len(mask):
        state.consumed.mark(mask)
    state.has_consumed(7)
    return True


@given(st.binary(max_size=200))
@example(b"")
@example(bytes([VERSION]))
@example(bytes([0]) + encode(EMPTY)[1:])
@example(bytes([VERSION]) + b"\x91" * 10_000)
def test_any_bytes_are_a_state_or_a_store_error(raw: bytes) -> None:
    readable(raw)


@given(user_events, st.data())
def test_a_state_with_changed_bytes_is_a_state_or_a_store_error(
    events: list[UserEvent], data: st.DataObject
) -> None:
    raw = bytearray(encode(fold(delivered(events))))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=3)):
        raw[at] = data.draw(st.integers(0, 255))
    readable(bytes(raw))


@pytest.mark.parametrize(
    "state",
    [
        UserState(recent=(b"short",)),
        UserState(consumed=Consumed(((300, np.array([1], np.int32)),))),
        UserState(consumed=Consumed(((-1, np.array([1], np.int32)),))),
        UserState(consumed=Consumed(((1, np.array([], np.int32)),))),
        UserState(consumed=Consumed(((FORGOTTEN, np.array([1], np.int32)),), hash_bits=4)),
        UserState(consumed=Consumed(((1, np.array([1], np.int32)), (1, np.array([2], np.int32))))),
        UserState(consumed=Consumed(((FORGOTTEN, np.array([1], np.int32)), (1, np.array([2], np.int32))))),
        UserState(consumed=Consumed(((FORGOTTEN, np.array([64], np.int32)),), hash_bits=6)),
        UserState(consumed=Consumed(((FORGOTTEN, np.array([16], np.int32)),), hash_bits=25)),
        UserState(items=np.array([1], np.int32)),
        UserState(actions=np.array([1], np.uint8)),
        UserState(words=np.ones(3, np.float32), liked=np.ones(3, np.float32)),
        UserState(words=np.ones(64, np.float32)),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(state: UserState) -> None:
    assert not readable(encode(state))


@pytest.mark.parametrize("cut", [1, 2, 100, 1_000, 3_000])
def test_a_state_that_was_cut_off_is_refused(cut: int) -> None:
    assert not readable(encode(full_state(0))[:-cut])


def test_a_state_with_other_sums_is_the_same_but_for_these() -> None:
    state = UserState(**{each.name: object() for each in fields(UserState)})  # type: ignore[arg-type]
    sums = UserSums(totals={1: 2})
    assert state.with_sums(sums) == replace(state, sums=sums, gone=False), "who has sums is there again"
