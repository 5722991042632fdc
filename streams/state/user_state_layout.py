"""How a user's state lies in its bytes, in the present version."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.state.consumed import BLOCKED, FORGOTTEN, Consumed, check_consumed
from streams.state.packed_rows import unpack_sorted
from streams.state.user_state import NEVER
from streams.state.user_sums import NOT_MEASURED, Exposure, Moment, UserSums

_HASHED, _BLOCKED_HASHED = 128, 256
_made = tuple.__new__  # half the time of a call of the class, 48 times a state


PackedSums = tuple[tuple[tuple[int, int, tuple[int, ...]], ...], dict[int, int], tuple[Exposure, ...]]
"""Moments, each with the time since the one before it in place of its own; totals; exposures."""


class Body(msgspec.Struct, array_like=True, gc=False):
    """Version 7. Arrays are little-endian bytes: rows int32, times int64, ratings and weights float32, words,
    liked and searched float16, event ids end to end; `consumed` has for each group a code and `packed_rows`.
    The code is the action's; `_HASHED` (of what never comes back `_BLOCKED_HASHED`) and a number of bits for
    hashes. `sums`: None where nothing is measured of the user.
    """

    items: bytes
    actions: bytes
    ratings: bytes
    times: bytes
    consumed: list[int | bytes]
    interactions: int
    rating_count: int
    rating_sum: float
    activity: float
    last_ts: int
    words: bytes
    words_weight: float
    weights: bytes
    recent: bytes
    offsets: dict[str, int]
    profile: dict[str, str]
    liked: bytes
    sums: PackedSums | None = None
    searched: bytes = b""
    searched_ms: int = NEVER


def pack_consumed(consumed: Consumed) -> list[int | bytes]:
    """For each group its code and `packed_rows`, as `Body.consumed` has them."""
    packed: list[int | bytes] = []
    for (action, _), keys in zip(consumed.groups, consumed.in_bytes(), strict=True):
        hashed = (_BLOCKED_HASHED if action == BLOCKED else _HASHED) + consumed.hash_bits
        packed += (hashed if consumed.hash_bits else action, keys)
    return packed


def unpack_consumed(packed: list[int | bytes]) -> Consumed:
    """What `pack_consumed` packed; `ValueError` for anything else."""
    groups: list[tuple[int, NDArray[np.int32]]] = []
    stored: list[bytes] = []
    bits: set[int] = set()
    for code, keys in zip(packed[::2], packed[1::2], strict=True):
        if not isinstance(code, int) or not isinstance(keys, bytes):
            raise ValueError("consumed items are not pairs of a code and bytes")
        action, hashed = code, 0
        if _HASHED < code < _HASHED + 32:
            action, hashed = FORGOTTEN, code - _HASHED
        elif code > _BLOCKED_HASHED:
            action, hashed = BLOCKED, code - _BLOCKED_HASHED
        bits.add(hashed)
        groups.append((action, unpack_sorted(keys)))
        stored.append(keys)
    if len(bits) > 1:
        raise ValueError(f"consumed items in hashes of {sorted(bits)} bits; expected one number of bits")
    consumed = Consumed(tuple(groups), bits.pop() if bits else 0, tuple(stored))
    check_consumed(consumed)
    return consumed


def pack_sums(sums: UserSums) -> PackedSums | None:
    """As `Body.sums` has them."""
    if not (sums.moments or sums.totals or sums.exposures):
        return None
    last, moments = 0, []
    for ts, code, amounts in sums.moments:
        moments.append((ts - last, code, amounts))
        last = ts
    return tuple(moments), sums.totals, sums.exposures


def unpack_sums(packed: PackedSums | None) -> UserSums:
    """What `pack_sums` packed."""
    if packed is None:
        return NOT_MEASURED
    ts = 0
    moments = [_made(Moment, (ts := ts + each[0], each[1], each[2])) for each in packed[0]]
    return UserSums(tuple(moments), packed[1], packed[2])
