"""What the places of a slate looked like when it was made.

It is packed once, when the slate is made, and stays packed until the slate becomes a lesson.

Layout: a head (`_HEAD`: which numbers follow, the places with features, the features of each, the digest of
their names), then little-endian scores, propensities and features, place by place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import StoreError
from model.schema import F32

F16 = NDArray[np.float16]
NO_NUMBERS: F32 = np.empty(0, np.float32)
NO_FEATURES: F16 = np.empty((0, 0), np.float16)
DIGEST_BYTES = 8
HALF_MAX = float(np.finfo(np.float16).max)
"""Features are kept within it: what a learner reads must be a number."""

F4, F2 = np.dtype("<f4"), np.dtype("<f2")
_HEAD = Struct(f"<BHH{DIGEST_BYTES}s")
_SCORES, _PROPENSITIES = 1, 2


class Looks(NamedTuple):
    """Of a slate of P places, as little-endian bytes: scores float32 [P] or none; propensities float32 [P] or
    none; features float16 of the first Q places, of `columns` each; `names`, the digest of the columns
    (`digest_of_names`), b"" where there are no features.
    """

    score_bytes: bytes = b""
    propensity_bytes: bytes = b""
    feature_bytes: bytes = b""
    columns: int = 0
    names: bytes = b""

    @property
    def scores(self) -> F32:
        """[P], or none."""
        return np.frombuffer(self.score_bytes, F4)

    @property
    def propensities(self) -> F32:
        """[P], or none."""
        return np.frombuffer(self.propensity_bytes, F4)

    @property
    def features(self) -> F16:
        """[Q, F]; [0, 0] where none are kept."""
        if not self.feature_bytes:
            return NO_FEATURES
        return np.frombuffer(self.feature_bytes, F2).reshape(-1, self.columns)


NO_LOOKS = Looks()


def pack_looks(
    scores: F32 = NO_NUMBERS,
    propensities: F32 = NO_NUMBERS,
    features: F16 = NO_FEATURES,
    names: bytes = b"",
) -> bytes:
    """The looks of a slate as they are kept; shapes as in `Looks`. b"" where there is nothing to keep."""
    return packed(
        Looks(
            scores.astype(F4, copy=False).tobytes(),
            propensities.astype(F4, copy=False).tobytes(),
            features.astype(F2, copy=False).tobytes(),
            features.shape[1],
            names,
        )
    )


def packed(looks: Looks) -> bytes:
    """Looks as they are kept; b"" where there is nothing to keep."""
    scores, propensities, features, columns, names = looks
    numbers = (_SCORES if scores else 0) | (_PROPENSITIES if propensities else 0)
    if features:
        head = _HEAD.pack(numbers, len(features) // (columns * F2.itemsize), columns, names)
    elif numbers:
        head = _HEAD.pack(numbers, 0, 0, b"")
    else:
        return b""
    return b"".join((head, scores, propensities, features))


def unpack_looks(raw: bytes, places: int) -> Looks:
    """The looks of a slate of so many places; `StoreError` where they are not.

    >>> unpack_looks(pack_looks(np.ones(2, np.float32)), 2).scores.tolist()
    [1.0, 1.0]
    """
    if not raw:
        return NO_LOOKS
    numbers, featured, columns, names = check_looks(raw, places)
    at = _HEAD.size
    scores = raw[at : at + F4.itemsize * places] if numbers & _SCORES else b""
    at += len(scores)
    propensities = raw[at : at + F4.itemsize * places] if numbers & _PROPENSITIES else b""
    at += len(propensities)
    return Looks(scores, propensities, raw[at:], columns, names if featured else b"")


def check_looks(raw: bytes, places: int) -> tuple[int, int, int, bytes]:
    """The head of looks, which says how long they are; `StoreError` where it does not fit them."""
    if len(raw) < _HEAD.size:
        raise StoreError(f"looks of {len(raw)} bytes are cut off: expected {_HEAD.size} at least")
    numbers, featured, columns, names = _HEAD.unpack_from(raw)
    expected = _HEAD.size + F4.itemsize * places * numbers.bit_count() + F2.itemsize * featured * columns
    if numbers > _SCORES | _PROPENSITIES or featured > places or len(raw) != expected:
        raise StoreError(
            f"looks of {places} places, {featured} of them with {columns} features, have {len(raw)} bytes;"
            f" expected {expected}: something changed them"
        )
    return numbers, featured, columns, names


def digest_of_names(names: Sequence[str]) -> bytes:
    """Names the columns of a matrix of features, so that a reader knows which they are."""
    return hashlib.blake2b("\n".join(names).encode(), digest_size=DIGEST_BYTES).digest()
