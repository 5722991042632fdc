"""What places looked like comes back bit by bit, and what is damaged is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import StoreError
from streams.learning.looks import NO_LOOKS, check_looks, digest_of_names, pack_looks, unpack_looks
from tests.streams.learning.slates import looks_of, plain

half = st.floats(width=16, allow_nan=True)


@given(st.integers(0, 5), st.integers(1, 6), st.data())
def test_looks_come_back_as_they_were(places: int, columns: int, data: st.DataObject) -> None:
    numbers = st.lists(st.floats(width=32), min_size=places, max_size=places)
    scores, propensities = (np.array(data.draw(numbers | st.just([])), np.float32) for _ in range(2))
    featured = data.draw(st.integers(0, places))
    size = featured * columns
    features = np.array(data.draw(st.lists(half, min_size=size, max_size=size)), np.float16)
    features = features.reshape(featured, columns)
    looks = unpack_looks(pack_looks(scores, propensities, features, b"12345678"), places)
    assert plain(looks.scores) == plain(scores)
    assert plain(looks.propensities) == plain(propensities)
    assert plain(looks.features) == plain(features if featured else np.empty((0, 0), np.float16))
    assert looks.names == (b"12345678" if featured else b"")


def test_a_slate_without_looks_has_none() -> None:
    assert pack_looks() == b""
    assert unpack_looks(b"", 20) == NO_LOOKS


@given(st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), looks_of(n))), st.data())
def test_looks_of_another_size_are_refused(of: tuple[int, bytes], data: st.DataObject) -> None:
    places, raw = of
    if not raw:
        return
    check_looks(raw, places)
    cut = data.draw(st.integers(1, len(raw) - 1))
    for part in (raw[:cut], raw + bytes(cut)):
        with pytest.raises(StoreError):
            check_looks(part, places)


def test_names_are_told_apart_by_their_digest() -> None:
    assert digest_of_names(["a", "b"]) == digest_of_names(("a", "b")) != digest_of_names(["b", "a"])
