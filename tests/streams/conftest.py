"""Models for tests: a small trained one, to look into what its scores are made of; and untrained ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from export.registry import Registry
from model.hashing import PROFILE_BUCKETS, bucket
from streams.datasets.dataset import Dataset
from streams.offline.stream_driver import Prequential
from streams.offline.training.fit import Trained, fit
from streams.offline.training.warming import prepare, warm
from streams.serving.loading import load_in_service
from streams.settings.reading import override
from streams.settings.tree import Settings
from tests.connected.models import register_models
from tests.streams.offline.planted import planted

EVENTS, WARM = 1_600, 1_300


class Small(NamedTuple):
    """A core at event `WARM` of a stream in which items mostly follow one another, its model served."""

    dataset: Dataset
    run: Prequential
    trained: Trained


@pytest.fixture(scope="session")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Small:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    dataset = planted(EVENTS, users=80, items=60)
    users = sorted(set(dataset.interactions.user))
    profiles = {
        user: {"side": ("odd", "even")[k % 2], "nick": nick}
        for k, (user, nick) in enumerate(zip(users, _nicknames(len(users)), strict=True))
    }
    dataset = replace(dataset, users=profiles)
    training = {"epochs": 4, "batch": 64, "learning_rate": 1e-2}
    settings = override(Settings(), {"model": {"training": training, "network": {"width": 16}}})
    said: list[Trained] = []

    def silent(stage: str, done: int, total: int) -> None:
        pass

    run = prepare(dataset, settings, None, silent)
    registry = Registry(tmp_path_factory.mktemp("models"))
    fit(run, warm(run, WARM, settings, silent), registry, "small", silent, look=said.append)
    run.recommender.serve(
        load_in_service(registry.get("small"), settings.model, run.recommender.pipeline.names)
    )
    torch.set_num_threads(threads)
    return Small(dataset, run, said[0])


def _nicknames(count: int) -> list[str]:
    """Words that no two share a hashed number of."""
    by_number = {bucket(f"nick=n{k}", PROFILE_BUCKETS): f"n{k}" for k in range(20 * count)}
    return sorted(by_number.values())[:count]


@pytest.fixture(scope="session")
def three_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of "first", "second" and "third", to be copied by a test that changes it."""
    return register_models(tmp_path_factory.mktemp("models"), ("first", "second", "third")).folder
