"""What sources earn: by hand, whatever lessons come, and the same after it was packed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import NewerVersionError, StoreError
from streams.learning.earnings import BELIEF_PLACES, DISCOUNT, SourceEarnings
from streams.learning.lesson import Lesson, LessonAnswer
from streams.state.action_meaning import BUILT_IN
from tests.streams.learning.experts.streams_of_choices import CLICK, DISLIKE, SKIP, any_answers, did, lesson

SOURCES = ("near", "far", "new")
COLUMNS = ("base", "rank_new", "rank_near", "age", "rank_far")


def earnings(sources: tuple[str, ...] = SOURCES, eta: float = 0.5) -> SourceEarnings:
    return SourceEarnings(sources, COLUMNS, BUILT_IN, eta)


def places(*ranks: tuple[int, int, int]) -> np.ndarray:
    """Features of places that the sources near, far and new had at these ranks, 0 for none."""
    features = np.zeros((len(ranks), len(COLUMNS)))
    for i, of_sources in enumerate(ranks):
        for rank, column in zip(of_sources, (2, 4, 1), strict=True):
            features[i, column] = rank**-0.5 if rank else 0.0
    return features


def taught(features: np.ndarray, *answers: LessonAnswer) -> Lesson:
    return lesson(features, answers, columns=COLUMNS)


def test_a_slate_by_hand() -> None:
    """The first place is near's alone, the second is shared by near (1/1) and far (1/4), the third is new's;
    the second was clicked. Places are looked at with 1, 2 ** -1/2 and 3 ** -1/2.
    """
    earned = earnings()
    earned.learn(taught(places((3, 0, 0), (1, 4, 0), (0, 0, 2)), did(1)))
    assert earned.clicks == pytest.approx([0.8, 0.2, 0.0], rel=1e-3)
    second, third = 2**-0.5, 3**-0.5
    assert earned.places == pytest.approx([1 + 0.8 * second, 0.2 * second, third], rel=1e-3)
    before = earned.clicks.copy()
    earned.learn(taught(places((0, 0, 1))))
    assert earned.clicks == pytest.approx(DISCOUNT * before)
    assert earned.report()["new"].places == pytest.approx(DISCOUNT * third + 1, rel=1e-3)
    overall = (earned.clicks.sum() + 0.5) / (earned.places.sum() + 10)
    rate = (earned.clicks[0] + BELIEF_PLACES * overall) / (earned.places[0] + BELIEF_PLACES)
    assert earned.report()["near"].rate == pytest.approx(rate)


def test_a_place_that_stood_alone_was_clicked_all_the_same() -> None:
    earned = earnings()
    earned.learn(taught(places((1, 0, 0)), did(0)))
    assert earned.clicks[0] == pytest.approx(1.0)


def test_what_is_disliked_after_a_click_earns_nothing() -> None:
    earned = earnings()
    answers = (did(0, CLICK, delay_ms=1), did(0, DISLIKE, delay_ms=2), did(1, SKIP))
    earned.learn(taught(places((1, 0, 0), (0, 1, 0), (0, 0, 1)), *answers))
    assert not earned.clicks.any()
    assert (earned.places > 0).all()


def test_where_items_stood_pays_nobody() -> None:
    """Users look at a place as seldom as is believed, and click what they see with .06 and .03: near, which
    always stands far down, earns twice as much as far all the same.
    """
    earned, rng = earnings(), np.random.default_rng(1)
    slate = places(*[(0, 1, 0)] * 5, *[(1, 0, 0)] * 5)
    looked = np.arange(1, 11) ** -0.5
    for _ in range(6_000):
        clicked = rng.random(10) < looked * np.array([0.03] * 5 + [0.06] * 5)
        earned.learn(taught(slate, *(did(k) for k in rng.permutation(np.flatnonzero(clicked))[:1])))
    rates = earned.rates()
    assert 1.6 < rates[0] / rates[1] < 2.4


def test_it_follows_when_the_world_turns_round() -> None:
    earned, slate = earnings(), places((1, 0, 0), (0, 1, 0))
    for best in (0, 1):
        for _ in range(8_000):
            earned.learn(taught(slate, did(best)))
        assert earned.rates().argmax() == best


def test_draws_are_of_the_posterior_and_certain_where_much_is_known() -> None:
    earned = earnings()
    for _ in range(400):
        earned.learn(taught(places((1, 0, 0), (0, 1, 0), (1, 0, 0)), did(0)))
    random = np.random.default_rng(0)
    drawn = np.array([earned.rates(random) for _ in range(4_000)])
    np.testing.assert_allclose(drawn.mean(0), earned.rates(), rtol=0.05)
    spread = drawn.std(0) / drawn.mean(0)
    assert spread[2] > 2 * spread[0]
    assert (earned.rates(np.random.default_rng(5)) == earned.rates(np.random.default_rng(5))).all()


@st.composite
def lessons(draw: st.DrawFn) -> list[Lesson]:
    """Any lessons: answers of all kinds, unknown places, other columns, places that no source brought."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = []
    for _ in range(draw(st.integers(1, 12))):
        n = int(rng.integers(1, 30))
        features = places(*rng.integers(0, 300, (n, 3)).tolist())
        features[rng.random(n) < 0.1] = rng.choice([math.nan, math.inf, 0.0])
        answers = any_answers(rng, n)
        columns = COLUMNS if rng.random() < 0.8 else tuple(reversed(COLUMNS))
        made.append(lesson(features, answers, columns=columns))
    return made


@settings(max_examples=60, deadline=None)
@given(stream=lessons(), data=st.data())
def test_packed_in_mid_stream_it_goes_on_to_the_same_bits(stream: list[Lesson], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(stream)))
    whole, first, second = earnings(), earnings(), earnings()
    for each in stream:
        whole.learn(each)
        assert np.isfinite(whole.rates()).all()
        assert (whole.rates(np.random.default_rng(0)) > 0).all()
    for each in stream[:at]:
        first.learn(each)
    second.restore(first.pack())
    assert second.pack() == first.pack()
    for each in stream[at:]:
        second.learn(each)
    assert second.pack() == whole.pack()
    assert second.report() == whole.report()
    assert sum(whole.counts().values()) == len(stream)


def test_a_source_that_is_new_has_earned_nothing_yet_and_one_that_is_gone_is_forgotten() -> None:
    before = earnings(("near", "far"))
    before.learn(taught(places((1, 0, 0), (0, 1, 0)), did(0)))
    after = earnings(("new", "near"))
    after.restore(before.pack())
    assert after.report()["near"][:2] == before.report()["near"][:2]
    assert after.report()["new"][:2] == (0.0, 0.0)


@pytest.mark.parametrize("raw", [b"", b"no", b"\x93\x01\x80\x81\xa4near\x92\xc0\xc0"])
def test_what_is_none_is_refused_and_changes_nothing(raw: bytes) -> None:
    earned = earnings()
    earned.learn(taught(places((1, 0, 0)), did(0)))
    before = earned.pack()
    with pytest.raises(StoreError):
        earned.restore(raw)
    with pytest.raises(StoreError):
        earned.restore(before.replace(before[-8:], np.array(-1.0, ">f8").tobytes()))
    with pytest.raises(NewerVersionError):
        earned.restore(before.replace(b"\x93\x01", b"\x93\x07", 1))
    assert earned.pack() == before
