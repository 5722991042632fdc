"""What is left of a deleted user: enough to leave out what comes late, and no name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import NewerVersionError, StoreError
from streams.events.partition import partition_of
from streams.state.tombstone import (
    VERSION,
    Tombstone,
    decode_tombstone,
    digest_of_user,
    encode_tombstone,
    tombstone_name,
    with_tombstone,
)
from streams.state.user_state import EMPTY, UserState
from tests.streams.user_events import plain

GONE = UserState(
    offsets={"users": 7, "clicks": 3}, recent=(b"8 bytes.", b"\0" * 8), forgotten_ms=1_000, gone=True
)


def test_what_is_kept_of_a_deleted_user_is_read_back() -> None:
    assert plain(with_tombstone(None, encode_tombstone(GONE))) == plain(GONE)


def test_who_came_back_keeps_what_they_have_since() -> None:
    since = UserState(interactions=3, offsets={"clicks": 9})
    state = with_tombstone(since, encode_tombstone(GONE))
    assert (state.forgotten_ms, state.gone) == (1_000, False)
    assert plain(state, "forgotten_ms") == plain(since, "forgotten_ms")
    assert (EMPTY.forgotten_ms, EMPTY.gone) == (-1, False)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4), st.integers(1, 64))
def test_a_name_says_the_shard_and_not_the_user(user: str, shards: int) -> None:
    name = tombstone_name(user)
    place, _, digest = name.partition(".")
    assert int(place, 16) % shards == partition_of(user.encode(), shards)
    assert bytes.fromhex(digest) == digest_of_user(user)
    assert name.isascii()
    assert name == tombstone_name(user)
    assert len(name) == 8 + 1 + 32


@pytest.mark.parametrize("raw", [b"", b"\x00", encode_tombstone(GONE)[:-1], b"\x94\x00\x00\x80\xc4\x00"])
def test_what_is_no_tombstone_is_refused(raw: bytes) -> None:
    with pytest.raises(StoreError):
        decode_tombstone(raw)


def test_a_newer_builds_is_refused_by_name() -> None:
    assert decode_tombstone(encode_tombstone(GONE)).version == VERSION
    newer = bytes([0x94, VERSION + 1]) + encode_tombstone(GONE)[2:]
    with pytest.raises(NewerVersionError):
        decode_tombstone(newer)
    assert Tombstone.__struct_fields__ == ("version", "forgotten_ms", "offsets", "recent")
