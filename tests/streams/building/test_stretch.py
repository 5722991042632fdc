"""Stretches cover what is to become examples, once and in order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import SettingsError
from streams.building.stretch import stretches
from streams.example_folder import LEARN, WHOLE
from streams.settings import Settings


@given(until=st.integers(100, 10**9), segments=st.integers(1, 40))
def test_they_follow_each_other(until: int, segments: int) -> None:
    plan = stretches(until, segments, Settings())
    assert [each.number for each in plan] == list(range(segments + 1))
    assert [each.kind for each in plan] == [LEARN] * segments + [WHOLE]
    assert plan[0].begin == until // 10
    assert plan[-1].end == until
    assert all(one.end == other.begin for one, other in itertools.pairwise(plan))
    sizes = [each.end - each.begin for each in plan[:-1]]
    assert 1 <= min(sizes) <= max(sizes) <= min(sizes) + 1


@pytest.mark.parametrize(("until", "segments"), [(100, 0), (100, 90)])
def test_more_pieces_than_events_are_refused(until: int, segments: int) -> None:
    with pytest.raises(SettingsError, match="segments: expected 1 to"):
        stretches(until, segments, Settings())
