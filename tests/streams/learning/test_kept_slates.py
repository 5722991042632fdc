"""What is kept of slates: its bounds, and its bytes."""

from __future__ import annotations

import math
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from model.errors import NewerVersionError, StoreError
from model.feature_names import LIVE_FEATURES
from streams.learning.kept_slates import ANSWER_BYTES, NOTHING_KEPT, Answer, KeptSlate, UserSlates, fitted
from streams.learning.kept_slates_codec import VERSION, decode, encode
from streams.learning.looks import pack_looks
from streams.learning.settings import LearningSettings
from streams.settings.tree import Settings
from streams.stores.commit import head_of
from tests.streams.learning.slates import answer, ids, looks_of, made, plain

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
row_lists = st.lists(st.integers(0, 2**31 - 1), max_size=5)


@st.composite
def kept_slates(draw: st.DrawFn) -> KeptSlate:
    rows, shown = draw(row_lists), draw(row_lists)
    told = st.floats(0, 1) | st.just(math.nan)
    return KeptSlate(
        slate_id=draw(texts),
        ts=draw(st.integers(0, 2**50)),
        arm=draw(texts),
        model=draw(texts),
        rows=tuple(rows),
        shown_ms=draw(st.integers(-1, 2**50)),
        shown=tuple(shown),
        shown_as=tuple(draw(st.just([]) | st.lists(told, min_size=len(shown), max_size=len(shown)))),
        surface=draw(texts),
        answers=tuple(
            draw(
                st.lists(
                    st.builds(
                        Answer,
                        row=st.integers(0, 2**31 - 1),
                        action=st.integers(0, 255),
                        value=st.floats(-1e12, 1e12) | st.just(math.nan),
                        ts=st.integers(0, 2**50),
                        position=st.integers(-1, 10_000),
                    ),
                    max_size=3,
                )
            )
        ),
        closed_ms=draw(st.integers(-1, 2**50)),
        looks=draw(looks_of(len(rows))),
        segment=draw(texts),
        teams=bytes(
            draw(st.just([]) | st.lists(st.integers(0, 2), min_size=len(shown), max_size=len(shown)))
        ),
        drafted=bytes(
            draw(st.just([]) | st.lists(st.integers(0, 2), min_size=len(rows), max_size=len(rows)))
        ),
    )


@given(
    st.lists(kept_slates(), max_size=4),
    st.lists(st.binary(min_size=8, max_size=8), max_size=3),
    st.just((0.0, 0.0, b"")) | st.tuples(st.floats(1, 2_000), st.floats(0, 2_000), st.binary(max_size=16)),
)
def test_kept_slates_come_back_as_they_were(
    slates: list[KeptSlate], recent: list[bytes], closed: tuple[float, float, bytes]
) -> None:
    kept = UserSlates(tuple(slates), b"".join(recent), *closed)
    raw = encode(kept)
    assert plain(decode(raw)) == plain(kept)
    assert len(raw) <= 68 + sum(slate.size for slate in slates) + 8 * len(recent)


@given(kept_slates(), kept_slates())
def test_a_slate_that_was_changed_has_its_own_size(slate: KeptSlate, other: KeptSlate) -> None:
    changed = replace(
        slate, answers=other.answers, surface=other.surface, shown=other.shown, shown_as=(), teams=b""
    )
    anew = KeptSlate(**{**msgspec.structs.asdict(changed), "size": 0})
    assert changed.size == anew.size
    assert changed.size - ANSWER_BYTES * len(other.answers) == replace(changed, answers=()).size


@given(st.lists(kept_slates(), max_size=3), st.lists(kept_slates(), max_size=3))
def test_the_head_names_all_of_them(some: list[KeptSlate], others: list[KeptSlate]) -> None:
    """All but the looks, which are as they were when the slate was made."""
    first, second = encode(UserSlates(tuple(some))), encode(UserSlates(tuple(others)))
    marks = [[{**msgspec.structs.asdict(each), "looks": 0} for each in slates] for slates in (some, others)]
    if plain(marks[0]) != plain(marks[1]):
        assert head_of(first) != head_of(second)
    assert head_of(first) == head_of(encode(UserSlates(tuple(some))))


def test_a_slate_of_no_segment_is_written_as_by_builds_before_there_were_any() -> None:
    raw = encode(UserSlates((made("s", 5, [1, 2, 3]), replace(made("t", 6, [4]), segment="country=DE"))))
    (length,) = struct.unpack_from("<I", raw, 9)
    (plain_entry, with_segment), _ = msgspec.msgpack.decode(raw[13 : 13 + length])
    assert len(plain_entry) == 12
    assert with_segment[12:] == ["country=DE"]


def test_teams_of_other_places_than_were_shown_are_refused() -> None:
    slate = replace(made("s", 5, [1, 2, 3]), shown=(1, 2), shown_ms=6, teams=b"\x01\x02")
    assert decode(encode(UserSlates((slate,)))).slates == (slate,)
    assert [slate.team_of(row) for row in (1, 2, 3)] == [0, 1, -1]
    for teams in (b"\x01", b"\x01\x03"):
        with pytest.raises(StoreError, match="of teams"):
            decode(encode(UserSlates((replace(slate, teams=teams),))))
    with pytest.raises(StoreError, match="rows made, of teams"):
        decode(encode(UserSlates((replace(slate, drafted=b"\x01"),))))


def test_nothing_is_kept_of_a_new_user() -> None:
    assert decode(None) == NOTHING_KEPT


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x01", b"\x01\xc1", b"\x01\x91\x90", b"\x02", b"\x02" + bytes(12), b"\x00\x90", b"no slates"],
)
def test_damaged_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(StoreError):
        decode(raw)


@pytest.mark.parametrize("cut", range(1, 90, 7))
def test_a_part_of_the_bytes_is_refused(cut: int) -> None:
    raw = encode(UserSlates((made("s", 5, [1, 2, 3]), made("t", 6, [4]))))
    for part in (raw[:-cut], raw[:20] + raw[20 + cut :], raw + bytes(cut)):
        with pytest.raises(StoreError):
            decode(part)


def test_a_newer_builds_slates_are_refused_by_name() -> None:
    with pytest.raises(NewerVersionError, match="kept slates of version"):
        decode(bytes([VERSION + 1]) + encode(NOTHING_KEPT)[1:])


def full(number: int) -> KeptSlate:
    """As large as the defaults make one."""
    settings = Settings()
    columns = len(LIVE_FEATURES) + 8
    places = settings.feed.size
    return KeptSlate(
        slate_id=f"{number:024x}",
        ts=1_700_000_000_000 + number,
        model="model-20261129-120000",
        rows=tuple(range(100_000, 100_000 + places)),
        looks=pack_looks(
            np.ones(places, np.float32),
            np.ones(places, np.float32),
            np.ones((min(places, settings.state.pending_items), columns), np.float16),
            bytes(8),
        ),
        shown_ms=1_700_000_000_000,
        shown=tuple(range(100_000, 100_000 + places)),
        shown_as=(1.0,) * places,
        surface="feed",
        answers=tuple(answer(row, 1_700_000_000_000, value=1.0) for row in range(5)),
    )


def test_all_that_the_defaults_keep_of_a_user_fits() -> None:
    settings = Settings()
    slates = tuple(map(full, range(settings.state.pending_slates)))
    assert fitted(slates, settings.state.pending_slates, settings.learning.user_bytes).slates == slates
    recent = bytes(8) * settings.state.recent_event_ids
    assert len(encode(UserSlates(slates, recent))) < 12_288


def test_what_does_not_wait_falls_first_but_for_the_newest() -> None:
    """The newest is the feed that the user sees next."""
    waiting = [made(f"w{n}", n, [n], shown_ms=n, shown=(n,)) for n in range(2)]
    idle = [made(f"i{n}", 10 + n, [n]) for n in range(3)]
    kept, fallen = fitted((*waiting, *idle), 3, 100_000)
    assert (ids(kept), ids(fallen)) == (["w0", "w1", "i2"], ["i0", "i1"])
    kept, fallen = fitted(kept, 2, 100_000)
    assert (ids(kept), ids(fallen)) == (["w1", "i2"], ["w0"])


def test_propensities_stay_where_features_go() -> None:
    slate = made("s", 1, [1, 2])
    looks = pack_looks(propensities=np.array([0.5, 0.25], np.float32), features=slate.looked().features)
    (kept,), _ = fitted((msgspec.structs.replace(slate, looks=looks),), 4, slate.size - 1)
    assert (kept.looked().propensities.tolist(), len(kept.looked().features)) == ([0.5, 0.25], 0)


def test_where_bytes_are_short_features_go_first() -> None:
    slates = tuple(made(f"s{n}", n, range(20)) for n in range(4))
    room = sum(slate.size for slate in slates) - 10
    kept, fallen = fitted(slates, 4, room)
    assert (ids(kept), fallen) == (["s0", "s1", "s2", "s3"], ())
    assert [len(slate.looked().features) for slate in kept] == [0, 20, 20, 20]
    assert kept[0].rows == tuple(range(20)), "it can still be joined"
    kept, fallen = fitted(slates, 4, 200)
    assert sum(slate.size for slate in kept) <= 200
    assert len(kept) + len(fallen) == 4


def test_a_slate_that_is_larger_than_the_bound_is_not_kept() -> None:
    kept, (fallen,) = fitted((made("x" * 128, 1, range(200)),), 4, 500)
    assert (kept, fallen.slate_id) == ((), "x" * 128)


def test_kept_slates_outlive_the_wait() -> None:
    """Else what was shown would be forgotten before it is a lesson."""
    assert LearningSettings(wait_s=86_400.0, keep_s=60.0).keep_ms == 90_000_000
    assert LearningSettings().keep_ms == 7 * 86_400_000
