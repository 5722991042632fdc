"""A registered model in its surroundings: the text encoder that it was trained with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from export.manifest import Manifest, TextEncoderRef, read_manifest, write_manifest
from export.registry import Registry
from export.text import load_text_encoder
from export.text_to_onnx import export_text_encoder
from streams.datasets.dataset import Dataset
from streams.datasets.item_texts import ItemText
from streams.offline.replay.options import ReplayOptions, silent
from streams.offline.replay.preparation import ready
from streams.serving.loading import encoder_of, other_encoder
from streams.settings.sections import ModelSettings
from streams.settings.tree import Settings
from streams.state.event_meaning import rounded
from tests.connected.models import register_models
from tests.streams.offline.planted import planted

TEXTS = [
    f"A film about {thing} and {other}" for thing in ("seas", "cats", "war") for other in ("love", "snow")
]


class Trained(NamedTuple):
    """A model that says which encoder read its items, and one that says another."""

    registry: Registry
    own: TextEncoderRef


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_encoder: Path) -> Trained:
    registry = register_models(tmp_path_factory.mktemp("models"), ("own", "stranger", "textless"))
    own = export_text_encoder(registry, TEXTS, 1, str(small_encoder)).reference
    for name, reference in (("own", own), ("stranger", TextEncoderRef(own.id, "0" * 64))):
        folder = registry.get(name)
        manifest = msgspec.structs.replace(read_manifest(folder, Manifest), text_encoder=reference)
        write_manifest(folder, manifest)
    return Trained(registry, own)


def test_the_encoder_beside_a_model_is_its_own_or_none(trained: Trained) -> None:
    found = encoder_of(trained.registry.get("own"), ModelSettings())
    assert found is not None
    assert found.manifest.reference == trained.own
    for name in ("stranger", "textless"):
        assert encoder_of(trained.registry.get(name), ModelSettings()) is None


def test_an_encoder_of_another_training_is_said(trained: Trained) -> None:
    own, stranger, textless = (
        read_manifest(trained.registry.get(name), Manifest) for name in ("own", "stranger", "textless")
    )
    assert other_encoder(own, trained.own) == other_encoder(textless, None) == ""
    assert "'stranger' was trained on the vectors of text encoder" in other_encoder(stranger, trained.own)
    assert "here is (none)" in other_encoder(own, None)


def test_a_replay_reads_texts_as_the_models_training_did(trained: Trained) -> None:
    stream = planted(60, users=20, items=12).interactions
    items = dict(zip(sorted(set(stream.item)), map(ItemText, TEXTS), strict=False))
    folder = trained.registry.get("own")
    made = ready(Dataset(stream, items), ReplayOptions(model=str(folder)), Settings(), 30, silent)
    assert made.notes == (f"texts are read by {trained.own.id}, as for the model's training",)
    encoder = load_text_encoder(trained.registry.text.get(trained.own.id))
    catalog = made.run.recommender.catalog
    for item_id, item in items.items():
        expected = rounded(encoder.project([item.joined]))[0]
        np.testing.assert_array_equal(catalog.text[catalog.rows[item_id]], expected)
