"""A folder that was changed, or belongs to another build, is refused before anything in it is run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from export.loaded import load_model
from export.manifest import (
    MANIFEST,
    MODEL_FILES,
    RESCORER,
    VOCABULARY,
    Manifest,
    facts_of,
    read_manifest,
    write_manifest,
)
from export.random_inputs import random_inputs
from export.registry import Registry
from export.session import Runner, open_session
from model.errors import ManifestError, ModelError, ProviderError
from tests.export.conftest import SCHEMA


@pytest.mark.parametrize("name", MODEL_FILES)
def test_changed_file_is_refused(model_folder: Path, name: str) -> None:
    damaged = bytearray((model_folder / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (model_folder / name).write_bytes(damaged)
    with pytest.raises(ManifestError, match=rf"{name} has changed: expected \d+ bytes with sha256"):
        load_model(model_folder)


@pytest.mark.parametrize("name", MODEL_FILES)
def test_missing_file_is_refused(model_folder: Path, name: str) -> None:
    (model_folder / name).unlink()
    with pytest.raises(ManifestError, match=rf"{name} is missing"):
        load_model(model_folder)


@pytest.mark.parametrize("text", ["", "{", '{"name": "x"}', "[]"])
def test_unreadable_manifest_is_refused(model_folder: Path, text: str) -> None:
    (model_folder / MANIFEST).write_text(text)
    with pytest.raises(ManifestError, match="is not a manifest of this build"):
        load_model(model_folder)


def test_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        load_model(tmp_path / "nothing")


def rewrite(folder: Path, **changes: object) -> None:
    manifest = read_manifest(folder, Manifest)
    write_manifest(folder, msgspec.structs.replace(manifest, **changes))


def test_unlisted_file_is_refused(model_folder: Path) -> None:
    files = dict(read_manifest(model_folder, Manifest).files)
    del files[VOCABULARY]
    rewrite(model_folder, files=files)
    with pytest.raises(ManifestError, match=r"lists no vocabulary\.json"):
        load_model(model_folder)


def test_newer_schema_is_refused(model_folder: Path) -> None:
    rewrite(model_folder, model_schema=msgspec.structs.replace(SCHEMA, version=99))
    with pytest.raises(ManifestError, match="schema version 99"):
        load_model(model_folder)


def test_schema_of_another_build_is_refused_by_name(registered: tuple[Registry, Manifest]) -> None:
    folder = registered[0].get("first")
    load_model(folder, expected=SCHEMA)
    other = msgspec.structs.replace(SCHEMA, user_features=("gap",))
    with pytest.raises(
        ManifestError, match=r"user_features: the model has \('gap', 'count', 'rating_mean'\)"
    ):
        load_model(folder, expected=other)


def test_schema_that_the_files_do_not_have_is_refused(model_folder: Path) -> None:
    rewrite(model_folder, model_schema=msgspec.structs.replace(SCHEMA, history=7))
    with pytest.raises(ManifestError, match="the ONNX file takes"):
        load_model(model_folder)


@pytest.mark.parametrize("raw", [b'{"a": 0}', b'["a"]', b"ids"])
def test_what_is_no_vocabulary_is_refused(model_folder: Path, raw: bytes) -> None:
    (model_folder / VOCABULARY).write_bytes(raw)
    files = dict(read_manifest(model_folder, Manifest).files)
    files[VOCABULARY] = facts_of(model_folder / VOCABULARY)
    rewrite(model_folder, files=files)
    with pytest.raises(ManifestError, match="expected the ids of items"):
        load_model(model_folder)


def test_loaded_model_says_what_runs_it(registered: tuple[Registry, Manifest]) -> None:
    folder = registered[0].get("first")
    counted: list[tuple[str, str]] = []
    model = load_model(folder)
    assert (model.rescorer.provider, model.rescorer.fell_back) == ("cpu", False)
    with pytest.raises(ProviderError, match="execution provider 'tensorrt'"):
        load_model(folder, ("tensorrt",))
    fallen = load_model(
        folder, ("tensorrt",), True, on_fallback=lambda asked, got: counted.append((asked, got))
    )
    assert (fallen.rescorer.provider, fallen.rescorer.fell_back) == ("cpu", True)
    assert counted == [("tensorrt", "cpu")]


def test_bound_buffers_give_the_same_scores(registered: tuple[Registry, Manifest]) -> None:
    """The way GPUs are fed, on the CPU."""
    folder = registered[0].get("first")
    runner = Runner(open_session(lambda provider: folder / RESCORER), SCHEMA.tasks)
    parts = load_model(folder).parts
    assert parts is not None
    inputs = parts.inputs_of(random_inputs(SCHEMA, 3, 20))
    plain, bound = runner.run(inputs), runner.run_bound(inputs, "cpu")
    for one, other in zip(plain, bound, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_without_the_librarys_checks_is_its_own(registered: tuple[Registry, Manifest]) -> None:
    folder = registered[0].get("first")
    runner = Runner(open_session(lambda provider: folder / RESCORER), SCHEMA.tasks)
    parts = load_model(folder).parts
    assert parts is not None
    inputs = parts.inputs_of(random_inputs(SCHEMA, 2, 20))
    for one, other in zip(runner.run(inputs), runner.session.run(runner.outputs, inputs), strict=True):
        np.testing.assert_array_equal(one, other)
    for wrong in ({"shared": inputs["shared"]}, {**inputs, "shared": inputs["shared"][:, :, 1:]}):
        with pytest.raises(ModelError, match=r"did not run on .*shared"):
            runner.run(wrong)
    with pytest.raises(ModelError, match="keys, language, values are missing"):
        runner.run(
            {name: each for name, each in inputs.items() if name not in {"keys", "values", "language"}}
        )
