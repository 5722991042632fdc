"""A scout retrieves for the later examples, and for none that it was trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from streams.fit import prepare, warm
from streams.settings import Settings, override
from tests.streams.replay.planted import planted


def warmed(share: float) -> tuple[list[NDArray[np.bool_]], bool]:
    """Which examples have a candidate that a model found, in time order; whether one still serves."""
    torch.set_num_threads(1)
    training = {"epochs": 1, "scout": share}
    settings = override(Settings(), {"model": {"training": training, "network": {"width": 16}}})
    run = prepare(planted(700, users=40, items=60), settings, None, lambda stage, done, total: None)
    shards, held_out = warm(run, 600, settings, lambda stage, done, total: None)

    names = run.recommender.pipeline.names
    column = -len(names) + names.index("learned")  # ranks are the last features
    ranks = [each.candidate_features[..., column] for each in [*shards, *held_out]]
    found = [np.asarray((each > 0).any(1), np.bool_) for each in ranks]
    return found, run.recommender.pipeline.model is not None


def test_only_examples_after_its_training_have_its_candidates() -> None:
    found, serving = warmed(0.5)
    assert not serving
    assert len(found) == 3  # before it, after it, held out
    assert not found[0].any()
    assert found[1].mean() > 0.9
    assert found[2].all()


def test_without_a_scout_no_example_has_any() -> None:
    found, _ = warmed(0.0)
    assert not any(each.any() for each in found)
