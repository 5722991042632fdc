"""Models in parts, and those of the layout before, in service."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from export.in_parts import InParts, open_rescorer
from export.loaded import load_model
from export.manifest import (
    IN_ONE,
    ITEM_PART,
    RESCORER,
    RESCORER_FP32,
    USER_TOWER,
    Manifest,
    facts_of,
    read_manifest,
    write_manifest,
)
from export.random_inputs import random_inputs
from export.registry import Registry
from export.session import Rescorer
from export.to_onnx import export_users, write_onnx
from model.errors import ManifestError
from model.network import FusionNet
from model.schema import RESCORER_INPUTS, RescorerInputs
from tests.export.conftest import SCHEMA

Registered = tuple[Registry, Manifest]


def parts_of(registered: Registered, name: str = RESCORER) -> InParts:
    found = open_rescorer(registered[0].get("first") / name, SCHEMA)
    assert isinstance(found, InParts)
    return found


@pytest.fixture
def former(model_folder: Path, net: FusionNet) -> Path:
    """The model as builds before the parts wrote it: one file reads everything of users and items."""
    users, candidates = torch.export.Dim("users"), torch.export.Dim("candidates")
    sample = [torch.from_numpy(each) for each in random_inputs(SCHEMA, 2, 5)]
    shapes = tuple(
        {0: users, 1: candidates} if name.startswith("candidate_") else {0: users} for name in RESCORER_INPUTS
    )
    write_onnx(net.scoring(), sample, (shapes,), RESCORER_INPUTS, SCHEMA.tasks, model_folder / RESCORER)
    shutil.copyfile(model_folder / RESCORER, model_folder / RESCORER_FP32)
    export_users(net, model_folder / USER_TOWER)
    (model_folder / ITEM_PART).unlink()
    made = read_manifest(model_folder, Manifest)
    files = {name: facts_of(model_folder / name) for name in made.files if name != ITEM_PART}
    write_manifest(model_folder, msgspec.structs.replace(made, files=files, layout=IN_ONE))
    manifest = msgspec.json.decode((model_folder / "manifest.json").read_bytes())
    del manifest["layout"]  # which they did not know
    (model_folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return model_folder


def test_a_model_of_the_former_layout_goes_on_serving(former: Path, registered: Registered) -> None:
    model, inputs = load_model(former), random_inputs(SCHEMA, 3, 20)
    assert model.parts is None
    assert isinstance(model.rescorer, Rescorer)
    parts = parts_of(registered, RESCORER_FP32)
    np.testing.assert_allclose(model.rescorer.score(inputs).click, parts.score(inputs).click, atol=1e-5)
    np.testing.assert_allclose(
        model.users.vectors(inputs.of_users), parts.vectors(inputs.of_users), atol=1e-5
    )


def test_a_layout_of_a_newer_build_is_refused_with_what_to_do(model_folder: Path) -> None:
    made = read_manifest(model_folder, Manifest)
    write_manifest(model_folder, msgspec.structs.replace(made, layout=9))
    with pytest.raises(ManifestError, match=r"layout 9, this build reads 1, 2.*upgrade this one"):
        load_model(model_folder)


@pytest.mark.parametrize("name", [RESCORER, RESCORER_FP32])
def test_a_score_does_not_depend_on_its_batch(registered: Registered, name: str) -> None:
    parts, inputs = parts_of(registered, name), random_inputs(SCHEMA, 9, 31)
    together = parts.score(inputs).click
    for user in range(9):
        alone = RescorerInputs(*(each[user : user + 1] for each in inputs))  # type: ignore[arg-type]
        np.testing.assert_allclose(parts.score(alone).click[0], together[user], atol=1e-5)


def test_users_may_have_any_number_of_candidates_and_none(registered: Registered) -> None:
    parts, inputs = parts_of(registered), random_inputs(SCHEMA, 4, 10)
    items, asked = parts.flat(inputs)
    expected = parts.score(inputs).click
    kept = [np.arange(10), np.arange(0), np.array([7]), np.array([3, 1])]
    rows = np.concatenate([10 * user + each for user, each in enumerate(kept)]).astype(np.int32)
    some = asked._replace(rows=rows, features=asked.features[rows], offsets=[0, 10, 10, 11, 13])
    found = parts.rescore(parts.see(inputs.of_users), items, some)
    wanted = np.concatenate([expected[user][each] for user, each in enumerate(kept)])
    # Dynamic int8 takes its scales from a user's own candidates, so that other ones move a score a little.
    np.testing.assert_allclose(found.click, wanted, atol=0.2)
    np.testing.assert_array_equal(found.click[:10], wanted[:10])
    nobody = asked._replace(rows=rows[:0], features=asked.features[:0], offsets=[0, 0, 0, 0, 0])
    assert len(parts.rescore(parts.see(inputs.of_users), items, nobody).click) == 0


def test_files_of_two_models_are_refused(registered: Registered, tmp_path: Path) -> None:
    folder = registered[0].get("first")
    schema = msgspec.structs.replace(SCHEMA, candidate_features=SCHEMA.candidate_features[:-1])
    with pytest.raises(ManifestError, match="export it again"):
        open_rescorer(folder / RESCORER, schema)
