"""Stretches cover what is to become examples, once and in order, and a scout is trained between two."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import SettingsError
from streams.examples.folder import LEARN, WHOLE
from streams.offline.building.work_pieces import Plan, work_pieces
from streams.offline.training.warming import BURN_IN, scouted_until
from streams.settings.reading import override
from streams.settings.tree import Settings

NONE = override(Settings(), {"model": {"training": {"scout": 0.0}}})


def check(plan: Plan, until: int, segments: int) -> None:
    all_of = [*plan.early, *plan.later]
    assert [each.number for each in all_of] == list(range(segments + 1))
    assert [each.kind for each in all_of] == [LEARN] * segments + [WHOLE]
    assert plan.begin == until // 10
    assert plan.end == until
    assert all(one.end == other.begin for one, other in itertools.pairwise(all_of))
    for part in (plan.early, plan.later[:-1]):
        sizes = [each.end - each.begin for each in part]
        assert 1 <= min(sizes, default=1) <= max(sizes, default=1) <= min(sizes, default=1) + 1


@given(until=st.integers(100, 10**9), segments=st.integers(1, 40))
def test_they_follow_each_other(until: int, segments: int) -> None:
    plan = work_pieces(until, segments, NONE)
    assert not plan.early
    check(plan, until, segments)


@given(until=st.integers(5_000, 10**9), segments=st.integers(2, 40), share=st.floats(0.001, 0.999))
def test_a_scout_is_trained_after_the_same_events_as_without_segments(
    until: int, segments: int, share: float
) -> None:
    settings = override(Settings(), {"model": {"training": {"scout": share}}})
    plan = work_pieces(until, segments, settings)
    check(plan, until, segments)
    assert plan.early[-1].end == scouted_until(until, int(until * BURN_IN), settings.model.training)


def test_pieces_are_shared_out_by_the_scouts_share() -> None:
    plan = work_pieces(100_000, 10, Settings())
    assert (len(plan.early), len(plan.later)) == (3, 8)


@pytest.mark.parametrize("training", [{"retrieval": 0.0}, {"scout": 0.0}, {"scout_from": 5_000}])
def test_where_none_is_trained_there_is_one_part(training: dict[str, float]) -> None:
    assert not work_pieces(5_000, 4, override(Settings(), {"model": {"training": training}})).early
    assert work_pieces(5_000, 4, Settings()).early


@pytest.mark.parametrize(("until", "segments", "least"), [(100, 0, 1), (100, 90, 1), (5_000, 1, 2)])
def test_pieces_too_few_or_too_many_are_refused(until: int, segments: int, least: int) -> None:
    with pytest.raises(SettingsError, match=f"segments: expected {least} to"):
        work_pieces(until, segments, Settings())
