"""All columns together: finite, named, and blind to what is not their user's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.learning.kept_slates import KeptSlate
from streams.signals.list_signals import ShownPlaces, names_of
from streams.signals.lists.features import features_of, list_features
from streams.signals.lists.likeness import ItemContent
from streams.state.action_meaning import Meanings
from tests.streams.signals.lists.sessions import NOW_MS, state

NUMBERS = st.floats() | st.sampled_from([0.0, -1.0, 1e300, float("nan")])
ROWS = st.lists(st.integers(0, 30), min_size=1, max_size=12, unique=True)
CONTENT = ItemContent(np.arange(31 * 8, dtype=np.int32).reshape(31, 8) % 5, np.full((31, 4), 0.5, np.float32))
EVENTS = st.lists(st.tuples(st.integers(0, 30), st.floats(0, 5_000)), max_size=20)


def test_no_two_columns_have_one_name() -> None:
    names = (*names_of(["price", "stars"]), *features_of(["price", "stars"]))
    assert len(set(names)) == len(names)


@given(rows=ROWS, events=EVENTS, data=st.data())
def test_all_columns_are_finite_whatever_is_told(
    rows: list[int], events: list[tuple[int, float]], data: st.DataObject
) -> None:
    events = sorted(events, key=lambda event: -event[1])
    numbers = np.array([[data.draw(NUMBERS)] for _ in rows])
    known = {row: (data.draw(NUMBERS),) for row in range(0, 30, 3)}
    places = ShownPlaces(np.array(rows, np.int32), numbers)
    who, kept = (
        state(*events, actions=("vc" * len(events))[: len(events)]),
        (KeptSlate("s", 0, shown=(1, 2, 3)),),
    )
    found = list_features(places, who, kept, NOW_MS, known, Meanings().counts, CONTENT)
    assert found.shape == (len(rows), len(features_of(["price"])))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
