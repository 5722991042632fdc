"""The means of what a user's reviews say, whether they come in order or late."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.events.schema import Review, UserEvent
from streams.state.heard_words import sentiment
from streams.state.user_state import StateSettings
from tests.streams.user_events import delivered, fold, reviews, words_of


def heard_weights(events: Sequence[UserEvent]) -> NDArray[np.float64]:
    """What each review with a text weighs, half of it forgotten every two.

    A late one begins with what is left of it after those that are later.
    """
    weights: list[float] = []
    for n, event in enumerate(events):
        if words_of(event) is None:
            continue
        later = sum(each.ts > event.ts for each in events[:n])
        weights = [*weights, 0.5 ** (later / 2)] if later else [*(w * 0.5**0.5 for w in weights), 1.0]
    return np.array(weights)


@given(st.lists(reviews, max_size=12, unique_by=lambda event: event.event_id))
def test_words_are_the_decaying_mean_of_what_was_said(events: list[UserEvent]) -> None:
    settings = StateSettings(words_half_life=2.0)
    state = fold(delivered(events), settings=settings)
    said = [words for event in events if (words := words_of(event)) is not None]
    if not said:
        assert not len(state.words)
        return
    weights = heard_weights(events)
    np.testing.assert_allclose(state.words, np.average(said, axis=0, weights=weights), atol=0.01)
    assert state.words_weight == pytest.approx(weights.sum())
    assert (state.words.astype(np.float16) == state.words).all()


@given(st.lists(reviews, max_size=12, unique_by=lambda event: event.event_id))
def test_liked_is_the_decaying_mean_of_words_times_their_sentiment(events: list[UserEvent]) -> None:
    settings = StateSettings(words_half_life=2.0)
    state = fold(delivered(events), settings=settings)
    said = [
        (words, 0.0 if event.rating is None else (event.rating - 3.0) / 2.0)
        for event in events
        if isinstance(event, Review) and (words := words_of(event)) is not None
    ]
    if not said:
        assert not len(state.liked)
        return
    weights = heard_weights(events)
    felt = [feeling * words for words, feeling in said]
    np.testing.assert_allclose(state.liked, np.average(felt, axis=0, weights=weights), atol=0.01)
    assert (state.liked.astype(np.float16) == state.liked).all()
    longest = max(float(np.linalg.norm(words)) for words, _ in said)
    assert np.linalg.norm(state.liked) <= longest * 1.001 + 0.01


@given(st.floats(1, 5))
def test_sentiment_rises_with_the_stars_and_is_bounded(stars: float) -> None:
    assert -1.0 <= sentiment(stars) <= 1.0
    assert sentiment(stars) == pytest.approx(-sentiment(6.0 - stars))
    assert sentiment(min(stars + 0.5, 5.0)) >= sentiment(stars)
