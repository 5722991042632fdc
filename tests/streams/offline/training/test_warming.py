"""Which events of the warm part are held out, and which a scout learns."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.parity import ParityLimits
from model.errors import DataError
from model.plan import TrainPlan
from streams.datasets.dataset import Dataset
from streams.offline.training.warming import BURN_IN, held_out_of, prepare, records, scouted_until
from streams.settings.tree import Settings
from tests.streams.offline.planted import planted

PLAN = TrainPlan()


@given(st.integers(4, 500_000), st.floats(0.0, 1.0))
def test_enough_events_are_held_out_and_enough_are_left_to_learn(until: int, validate: float) -> None:
    plan = msgspec.structs.replace(PLAN, validate=validate)
    first = int(until * BURN_IN)
    held_out = held_out_of(until, first, plan)
    assert min(until // 4, ParityLimits().examples, plan.validate_most) <= held_out <= plan.validate_most
    assert held_out <= max(until - first, until // 4)


@given(st.integers(4, 500_000), st.floats(0.0, 1.0))
def test_a_scout_learns_a_share_of_the_examples_before_the_held_out_ones(until: int, share: float) -> None:
    plan = msgspec.structs.replace(PLAN, scout=share)
    first = int(until * BURN_IN)
    scouted = scouted_until(until, first, plan)
    if scouted is None:
        assert share * until < 1.2 or until - first < plan.scout_from
    else:
        assert until - first >= plan.scout_from
        assert first < scouted <= until - held_out_of(until, first, plan)


def test_without_a_share_or_a_tower_that_learns_there_is_no_scout() -> None:
    until = 10 * PLAN.scout_from
    assert scouted_until(until, 0, PLAN) is not None
    for changed in ({"scout": 0.0}, {"retrieval": 0.0}):
        assert scouted_until(until, 0, msgspec.structs.replace(PLAN, **changed)) is None


def test_a_prepared_core_knows_all_items_and_has_no_event_behind_it() -> None:
    dataset = planted()
    run = prepare(dataset, Settings(), None, lambda *_: None)
    ids = {record.item_id for record in records(dataset, {}, 0)}
    assert ids == set(dataset.items)
    assert ids <= set(run.recommender.catalog.ids)


def test_a_dataset_without_a_readable_interaction_is_refused() -> None:
    dataset: Dataset = planted().first(0)
    with pytest.raises(DataError, match="expected interactions"):
        prepare(dataset, Settings(), None, lambda *_: None)
