"""What reviews say of items is counted once, bounded, and kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import NewerVersionError, StoreError
from streams.counters.aspects import Aspects, _encoder, _Packed
from streams.state.opinion import Opinion

REVIEWS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.floats(-1, 1),
        st.lists(st.tuples(st.integers(0, 31), st.floats(-1, 1)), max_size=4),
    ),
    max_size=40,
)


def counted(reviews: list[tuple[int, float, list[tuple[int, float]]]]) -> Aspects:
    made = Aspects()
    for row, sentiment, aspects in reviews:
        made.observe(row, Opinion(sentiment, tuple(aspects), "t"))
    return made


@given(REVIEWS)
def test_counts_are_sums_over_the_reviews(reviews: list[tuple[int, float, list[tuple[int, float]]]]) -> None:
    made = counted(reviews)
    for row in range(6):
        its = [each for each in reviews if each[0] == row]
        found = made.of(row)
        if not its:
            assert found is None
            continue
        assert found is not None
        assert found.reviews == len(its)
        assert found.sentiment == pytest.approx(np.mean([sentiment for _, sentiment, _ in its]))
        every = [aspect for _, _, aspects in its for aspect in aspects]
        for topic in range(32):
            feelings = [feeling for at, feeling in every if at == topic]
            assert found.praised[topic] == sum(feeling >= 0.3 for feeling in feelings)
            assert found.blamed[topic] == sum(feeling <= -0.3 for feeling in feelings)


@given(REVIEWS, REVIEWS)
def test_a_copy_goes_on_as_the_original(
    before: list[tuple[int, float, list[tuple[int, float]]]],
    after: list[tuple[int, float, list[tuple[int, float]]]],
) -> None:
    made, copy = counted(before), Aspects()
    copy.restore(made.pack())
    for row, sentiment, aspects in after:
        for each in (made, copy):
            each.observe(row, Opinion(sentiment, tuple(aspects), "t"))
    assert copy.pack() == made.pack()
    assert len(copy) == len(made)


def test_what_an_item_is_praised_for() -> None:
    tone, price, look, strings, one = 3, 7, 9, 11, 13
    made = Aspects()
    for topic, praised, blamed in ((tone, 9, 0), (price, 6, 1), (look, 3, 3), (strings, 2, 0), (one, 1, 0)):
        for sentiment, times in ((0.9, praised), (-0.9, blamed), (0.1, 5)):
            for _ in range(times):
                made.observe(2, Opinion(0.5, ((topic, sentiment),), "t"))
    found = made.of(2)
    assert found is not None
    assert found.praised_for() == [tone, price, strings]


def test_other_topics_begin_anew_and_memory_is_bounded() -> None:
    made = Aspects(most=2)
    for row in range(4):
        made.observe(row, Opinion(0.5, ((1, 1.0),), "first"))
    assert (len(made), made.left_out) == (2, 2)
    made.observe(3, Opinion(-0.5, (), "second"))
    assert (made.by, len(made), made.of(0)) == ("second", 1, None)


@pytest.mark.parametrize("raw", [b"x", b"\x95\x01", b"\x95\x01\xa1t\xc4\x03abc\xc4\x00\xc4\x00"])
def test_what_cant_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(StoreError):
        Aspects().restore(raw)


def test_a_newer_version_is_refused() -> None:
    with pytest.raises(NewerVersionError):
        Aspects().restore(_encoder.encode(_Packed(2, "t", b"", b"", b"")))
