"""A model that goes on learning in the middle of a replay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from model.errors import SettingsError
from model.plan import TrainPlan
from streams.offline.replay.continual import drawn
from streams.offline.replay.options import ReplayOptions, silent
from streams.offline.replay.prequential import replay
from streams.offline.replay.result import ReplayResult
from streams.offline.replay.summary import summarise
from streams.settings.models import ModelSettings, RenewalSettings
from tests.model.random_shards import random_shard
from tests.streams.core import with_settings
from tests.streams.offline.planted import planted
from tests.streams.offline.planted_model import planted_model

EVERY = 200
SETTINGS = with_settings(
    model=ModelSettings(training=TrainPlan(epochs=1)), renewal=RenewalSettings(learning_rate=2e-2)
)


def replayed(folder: Path) -> tuple[ReplayResult, bytes, list[int]]:
    """The result, the slates, and how many examples each renewal went through."""
    told: list[int] = []

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "renewing" and done == total:
            told.append(total)

    path = folder / "slates.jsonl"
    options = ReplayOptions(slates=path, renew_every=EVERY)
    return replay(planted(), options, SETTINGS, tell), path.read_bytes(), told


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayResult, bytes, list[int]]:
    return replayed(tmp_path_factory.mktemp("renewed"))


def test_it_is_renewed_after_every_so_many_events(renewed: tuple[ReplayResult, bytes, list[int]]) -> None:
    result, _, told = renewed
    # Each learned from the last 200 events and, as far as there are, from three older examples for each.
    assert len(told) == 2
    assert 2 * EVERY < told[0] <= told[1] <= 4 * EVERY
    assert "the model was renewed 2 times, after every 200 events" in result.notes
    assert result.stage_seconds["renew"] > 0
    options = ReplayOptions(renew_every=EVERY)
    assert summarise(planted(), options, result)["protocol"]["renewed_every"] == EVERY


def test_slates_are_those_of_the_frozen_model_until_the_first_renewal(
    renewed: tuple[ReplayResult, bytes, list[int]], tmp_path: Path
) -> None:
    path = tmp_path / "slates.jsonl"
    frozen = replay(planted(), ReplayOptions(slates=path, model=str(planted_model())), SETTINGS, silent)
    ours, theirs = renewed[1].splitlines(), path.read_bytes().splitlines()
    assert ours[:EVERY] == theirs[:EVERY]
    assert ours[EVERY:] != theirs[EVERY:]
    assert not any("renewed" in note for note in frozen.notes)


def test_the_same_seed_renews_to_the_same_slates(
    renewed: tuple[ReplayResult, bytes, list[int]], tmp_path: Path
) -> None:
    assert replayed(tmp_path)[1] == renewed[1]


def test_older_examples_are_drawn_once_each_from_all_shards() -> None:
    # A second apart each: the time of an example tells it from all others, of the other shards too.
    shards = [
        random_shard(count, count, begin_ms=1_000_000 * number)
        for number, count in enumerate((40, 25, 35), 1)
    ]
    all_times = {int(ts_ms) for each in shards for ts_ms in each.ts_ms}
    assert len(all_times) == 100

    def times(wanted: int, seed: int) -> list[int]:
        return [int(ts_ms) for each in drawn(shards, wanted, seed) for ts_ms in each.ts_ms]

    for wanted in (0, 30, 100, 200):
        some = times(wanted, 5)
        assert len(some) == len(set(some)) == min(wanted, 100)
        assert all_times.issuperset(some)
    assert len(drawn(shards, 30, 5)) == 3
    assert times(30, 5) == times(30, 5)
    assert times(30, 5) != times(30, 6)
    assert drawn([], 5, 1) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (partial(ReplayOptions, renew_every=0), "at least 1"),
        (partial(ReplayOptions, renew_every=5, model="none"), "--model"),
        (partial(ReplayOptions, renew_every=5, fp32=True), "--fp32"),
    ],
)
def test_what_does_not_go_together_is_refused(options: Callable[[], ReplayOptions], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        options()
