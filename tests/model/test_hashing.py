"""Words as numbers."""

from __future__ import annotations

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.hashing import (
    ATTRIBUTE_BUCKETS,
    ATTRIBUTES,
    PROFILE_BUCKETS,
    PROFILE_FIELDS,
    attributes_of,
    bucket,
    profile_of,
)

words = st.lists(st.text(max_size=8), max_size=12)


@given(st.text(), st.integers(1, 10_000))
def test_a_word_has_one_number_that_is_never_that_of_none(word: str, buckets: int) -> None:
    """Lone surrogates, which JSON may bring, have one too."""
    assert 1 <= bucket(word, buckets) <= buckets
    assert bucket("\ud800" + word, buckets) == bucket("\ud800" + word, buckets)


def test_numbers_are_spread_over_the_buckets() -> None:
    counts = np.bincount([bucket(f"item-{k}", 100) for k in range(20_000)], minlength=101)[1:]
    # 200 are expected in each; a Poisson count is hardly ever 6 deviations away.
    assert counts.min() > 200 - 6 * 200**0.5
    assert counts.max() < 200 + 6 * 200**0.5


@given(words, words, st.none() | st.floats(0, 1e12))
def test_an_items_attributes_fill_the_places_from_the_front(
    categories: list[str], tags: list[str], price: float | None
) -> None:
    found = attributes_of(categories, tags, price)
    count = len(categories) + len(tags) + (price is not None)
    assert found.dtype == np.int32
    assert found.shape == (ATTRIBUTES,)
    assert (found[: min(count, ATTRIBUTES)] > 0).all()
    assert not found[count:].any()
    assert found.max() <= ATTRIBUTE_BUCKETS


def test_where_there_are_too_many_the_price_stays() -> None:
    many = [f"c{k}" for k in range(20)]
    found = attributes_of(many, [], 15.0)
    assert found.tolist() == [
        *(zlib.crc32(f"category=c{k}".encode()) % ATTRIBUTE_BUCKETS + 1 for k in range(ATTRIBUTES - 1)),
        zlib.crc32(b"price=4") % ATTRIBUTE_BUCKETS + 1,
    ]
    assert attributes_of(many, [], None)[-1] == bucket(f"category=c{ATTRIBUTES - 1}", ATTRIBUTE_BUCKETS)


def test_a_category_is_another_word_than_a_tag_of_its_name() -> None:
    assert attributes_of(["x"], [], None)[0] != attributes_of([], ["x"], None)[0]


def test_the_order_of_a_profiles_fields_means_nothing() -> None:
    one, other = profile_of({"age": "7", "country": "DE"}), profile_of({"country": "DE", "age": "7"})
    assert one.tolist() == other.tolist()
    assert one.tolist()[:3] == [bucket("age=7", PROFILE_BUCKETS), bucket("country=DE", PROFILE_BUCKETS), 0]
    assert profile_of({f"f{k}": "x" for k in range(30)}).shape == (PROFILE_FIELDS,)
    assert not profile_of({}).any()
