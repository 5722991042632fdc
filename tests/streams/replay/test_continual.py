"""A model that goes on learning in the middle of a replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import SettingsError
from model.plan import TrainPlan
from streams.replay.continual import drawn
from streams.replay.options import ReplayOptions
from streams.replay.prequential import replay
from streams.replay.result import ReplayResult
from streams.replay.summary import summarise
from streams.settings import ModelSettings, RenewalSettings
from tests.model.random_shards import random_shard
from tests.streams.core import with_settings
from tests.streams.replay.planted import planted

EVERY = 150
SETTINGS = with_settings(
    model=ModelSettings(training=TrainPlan(epochs=1)), renewal=RenewalSettings(learning_rate=2e-2)
)


def replayed(folder: Path, renew_every: int | None = EVERY) -> tuple[ReplayResult, bytes, list[int]]:
    """The result, the slates, and how many examples each renewal went through."""
    told: list[int] = []

    def tell(stage: str, done: int, total: int) -> None:
        if stage == "renewing" and done == total:
            told.append(total)

    path = folder / "slates.jsonl"
    options = ReplayOptions(slates=path, renew_every=renew_every)
    return replay(planted(), options, SETTINGS, tell), path.read_bytes(), told


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReplayResult, bytes, list[int]]:
    return replayed(tmp_path_factory.mktemp("renewed"))


def test_it_is_renewed_after_every_so_many_events(renewed: tuple[ReplayResult, bytes, list[int]]) -> None:
    result, _, told = renewed
    # Each learned from the last 150 events and, as far as there are, from three older examples for each.
    assert len(told) == 3
    assert 2 * EVERY < told[0] <= told[1] <= told[2] <= 4 * EVERY
    assert "the model was renewed 3 times, after every 150 events" in result.notes
    assert result.stage_seconds["renew"] > 0
    options = ReplayOptions(renew_every=EVERY)
    assert summarise(planted(), options, result)["protocol"]["renewed_every"] == EVERY


def test_slates_are_those_of_the_frozen_model_until_the_first_renewal(
    renewed: tuple[ReplayResult, bytes, list[int]], tmp_path: Path
) -> None:
    frozen, slates, told = replayed(tmp_path, None)
    assert told == []
    ours, theirs = renewed[1].splitlines(), slates.splitlines()
    assert ours[:EVERY] == theirs[:EVERY]
    assert ours[EVERY:] != theirs[EVERY:]
    assert not any("renewed" in note for note in frozen.notes)


def test_the_same_seed_renews_to_the_same_slates(
    renewed: tuple[ReplayResult, bytes, list[int]], tmp_path: Path
) -> None:
    assert replayed(tmp_path)[1] == renewed[1]


def test_older_examples_are_drawn_once_each_from_all_shards() -> None:
    shards = [random_shard(40, 1), random_shard(25, 2), random_shard(35, 3)]
    times = np.concatenate([each.ts_ms + 1_000_000 * k for k, each in enumerate(shards)])
    for wanted in (0, 30, 100, 200):
        some = drawn(shards, wanted, 5)
        assert sum(len(each) for each in some) == min(wanted, 100)
        for each in some:
            assert len(set(each.ts_ms.tolist())) == len(each)
    assert len(drawn(shards, 30, 5)) == 3
    assert len(set(times.tolist())) == 100
    assert [each.ts_ms.tolist() for each in drawn(shards, 30, 5)] == [
        each.ts_ms.tolist() for each in drawn(shards, 30, 5)
    ]
    assert [each.ts_ms.tolist() for each in drawn(shards, 30, 5)] != [
        each.ts_ms.tolist() for each in drawn(shards, 30, 6)
    ]
    assert drawn([], 5, 1) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [({"renew_every": 0}, "at least 1"), ({"model": "none"}, "--model"), ({"fp32": True}, "--fp32")],
)
def test_what_does_not_go_together_is_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        ReplayOptions(**{"renew_every": 5, **options})  # type: ignore[arg-type]
