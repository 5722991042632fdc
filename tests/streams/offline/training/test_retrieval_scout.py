"""A scout retrieves for the later examples, and for none that it was trained on; without it no model does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from export.registry import Registry
from model.plan import TrainPlan
from streams.offline.replay.options import silent
from streams.offline.stream_driver import Prequential
from streams.offline.training.fit import fit
from streams.offline.training.warming import Collected, prepare, warm
from streams.serving.loading import load_in_service
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.streams.offline.planted import planted

EVENTS = 600
EXAMPLES = EVENTS - EVENTS // 10  # the first tenth is learned only


def settings(share: float, least: int) -> Settings:
    training = {"epochs": 1, "scout": share, "scout_from": least}
    return override(Settings(), {"model": {"training": training, "network": {"width": 16}}})


def unwarmed(chosen: Settings) -> Prequential:
    torch.set_num_threads(1)
    return prepare(planted(700, users=40, items=60), chosen, None, silent)


class Warmed(NamedTuple):
    """found: which examples have a candidate that a model found, in time order; serving: whether one still
    does.
    """

    run: Prequential
    collected: Collected
    found: list[NDArray[np.bool_]]
    serving: bool


@cache
def warmed(share: float, least: int = EXAMPLES) -> Warmed:
    chosen = settings(share, least)
    run = unwarmed(chosen)
    shards, held_out = collected = warm(run, EVENTS, chosen, silent)
    names = run.recommender.pipeline.names
    column = -len(names) + names.index("learned")  # ranks are the last features
    ranks = [each.candidate_features[..., column] for each in [*shards, *held_out]]
    found = [np.asarray((each > 0).any(1), np.bool_) for each in ranks]
    return Warmed(run, collected, found, run.recommender.pipeline.models.active is not None)


def test_only_examples_after_its_training_have_its_candidates() -> None:
    found, serving = warmed(0.5).found, warmed(0.5).serving
    assert not serving
    assert len(found) == 3  # before it, after it, held out
    assert not found[0].any()
    assert found[1].mean() > 0.9
    assert found[2].all()


def test_without_a_scout_no_example_has_any() -> None:
    assert not any(each.any() for each in warmed(0.0).found)


def test_there_is_one_from_so_many_examples_on() -> None:
    assert not any(each.any() for each in warmed(0.5, least=EXAMPLES + 1).found)
    assert any(each.any() for each in warmed(0.5, least=EXAMPLES).found)
    assert TrainPlan().scout_from > EXAMPLES


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_a_model_retrieves_only_where_its_examples_knew_such_candidates(share: float, tmp_path: Path) -> None:
    chosen, registry, (run, collected, _, _) = settings(share, EXAMPLES), Registry(tmp_path), warmed(share)
    manifest = fit(run, collected, registry, "one", silent)
    assert manifest.retrieves == (share > 0)
    run.recommender.serve(load_in_service(registry.get("one"), chosen.model, run.recommender.pipeline.names))
    draft, _ = run.predict()
    brought = draft.ranks[:, run.recommender.pipeline.names.index("learned")] > 0
    assert brought.any() == (share > 0)
    assert len(np.unique(draft.click)) > 10  # it ranks in any case
