"""What one event does to all that is kept of a user."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from streams.events.schema import Impression, Review
from streams.learning.kept_slates import NOTHING_KEPT, UserSlates
from streams.learning.steps import Bounds, joined_with, on_impression
from streams.state.fold import event_key
from streams.state.user_state import EVENT_ID_BYTES
from tests.streams.learning.slates import WAIT_MS

T = 1_000_000
BOUNDS = Bounds(WAIT_MS, slates=4, bytes=16_384, recent=3)


def impression(number: int, slate: str, event_id: str = "") -> Impression:
    name = event_id or f"e{number}"
    return Impression(event_id=name, ts=T + number, user_id="u", slate_id=slate, items=["i"])


def test_the_keys_of_the_last_impressions_are_remembered() -> None:
    kept = NOTHING_KEPT
    for n in range(5):
        kept = on_impression(kept, impression(n, f"s{n}"), [n], BOUNDS).kept
    assert kept.recent == b"".join(event_key(f"e{n}") for n in (2, 3, 4))
    again = on_impression(kept, impression(9, "another", "e2"), [9], BOUNDS)
    assert (again.outcome, again.showing) == ("duplicate", None)
    assert again.kept is kept
    assert on_impression(kept, impression(9, "another", "e1"), [9], BOUNDS).outcome == "shown"


def test_an_impression_that_shows_nothing_new_changes_nothing() -> None:
    kept = on_impression(NOTHING_KEPT, impression(0, "s"), [1, 2], BOUNDS).kept
    again = on_impression(kept, impression(1, "s"), [2, 1], BOUNDS)
    assert (again.outcome, again.showing, again.lessons) == ("again", None, [])
    assert again.kept is kept, "so that nothing is written"


def test_the_value_of_a_review_is_its_rating() -> None:
    kept = on_impression(NOTHING_KEPT, impression(0, "s"), [1, 2], BOUNDS).kept
    for rating in (2.0, None):
        review = Review(
            event_id="r", ts=T + 5, user_id="u", item_id="i", rating=rating, value=9.0, slate_id="s"
        )
        (slate,) = joined_with(kept.slates, review, 1, 7, BOUNDS).slates
        told = slate.answers[0].value
        assert math.isnan(told) if rating is None else told == rating


@given(st.lists(st.binary(min_size=8, max_size=8), max_size=4), st.integers(0, 40))
def test_a_key_is_only_found_where_one_begins(keys: list[bytes], shift: int) -> None:
    """Two keys that lie side by side may hold the bytes of a third one across them."""
    recent = b"".join(keys)
    wanted = event_key("e0")
    torn = wanted[shift % EVENT_ID_BYTES :] + wanted[: shift % EVENT_ID_BYTES]
    for lies in (recent, recent + torn * 2, recent + wanted):
        step = on_impression(UserSlates((), lies), impression(0, "s"), [1], BOUNDS)
        whole = [lies[at : at + 8] for at in range(0, len(lies), EVENT_ID_BYTES)]
        assert (step.outcome == "duplicate") == (wanted in whole)
