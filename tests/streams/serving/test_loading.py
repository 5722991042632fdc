"""A registered model in its surroundings: the text encoder that it was trained with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from export.loaded import load_model
from export.manifest import (
    PROJECTION,
    Manifest,
    TextEncoderRef,
    TextManifest,
    facts_of,
    read_manifest,
    write_manifest,
)
from export.projection import fit_projection, save_projection
from export.registry import Registry
from export.text import load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.errors import ModelError
from streams.datasets.dataset import Dataset
from streams.datasets.item_texts import ItemText
from streams.offline.replay.options import ReplayOptions, silent
from streams.offline.replay.preparation import ready
from streams.offline.training.dataset_texts import text_encoder
from streams.serving.loading import encoder_of, in_service, load_encoder, other_encoder
from streams.settings.models import ModelSettings
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


def test_other_widths_of_texts_are_refused(trained: Trained, small_encoder: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    folder = Path(shutil.copytree(trained.registry.text.get(trained.own.id), registry.text.folder / "small"))
    manifest = read_manifest(folder, TextManifest)
    narrow = fit_projection(np.eye(manifest.dim, dtype=np.float32), 8)
    save_projection(narrow, folder / PROJECTION)
    files = {**manifest.files, PROJECTION: facts_of(folder / PROJECTION)}
    write_manifest(folder, msgspec.structs.replace(manifest, files=files))
    settings = ModelSettings(text_encoder=str(small_encoder))
    with pytest.raises(ModelError, match="keeps 8 numbers of a text, states and items hold 64"):
        load_encoder(settings, registry)
    with pytest.raises(ModelError, match="keeps 8 numbers"):
        text_encoder(registry, TEXTS, Settings(model=settings), silent)


def test_a_model_of_another_width_is_refused(trained: Trained) -> None:
    loaded = load_model(trained.registry.get("own"))
    schema = msgspec.structs.replace(loaded.manifest.model_schema, text_dim=12)
    other = loaded._replace(manifest=msgspec.structs.replace(loaded.manifest, model_schema=schema))
    with pytest.raises(ModelError, match="reads 12 numbers of a text, this build keeps 64: train it again"):
        in_service(other, ())


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
