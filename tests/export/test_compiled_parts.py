"""A model as compiled code: the fp32 scores of onnxruntime, for every form of the network, in any batch."""

from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from export import compiled_parts
from export.compiled_parts import CompiledParts, open_compiled
from export.forward import lowering
from export.in_parts import InParts, open_rescorer
from export.loaded import load_model
from export.manifest import RESCORER_FP32, Manifest
from export.package import check_compiled
from export.parity import ParityLimits
from export.providers import COMPILED
from export.random_inputs import random_inputs
from export.registry import Registry
from export.to_onnx import export_in_parts
from model.errors import ManifestError, ModelError, ParityError, UnknownNetworkError
from model.network import FusionNet
from model.plan import NetworkPlan
from model.schema import EncoderKind, FusionKind, RescorerInputs, Schema
from tests.export.conftest import SCHEMA, held_out, small_net
from tests.made_once import made_once

Registered = tuple[Registry, Manifest]


@pytest.fixture(scope="module")
def compiled(registered: Registered) -> CompiledParts:
    return open_compiled(registered[0].get("first"), SCHEMA)


@pytest.fixture(scope="module")
def reference(registered: Registered) -> InParts:
    found = open_rescorer(registered[0].get("first") / RESCORER_FP32, SCHEMA)
    assert isinstance(found, InParts)
    return found


def agree(compiled: InParts, reference: InParts, schema: Schema, users: int, candidates: int) -> None:
    inputs = random_inputs(schema, users, candidates, seed=users)
    events = schema.candidate_features.index("popular_ever")
    inputs.candidate_features[:, ::3, events] = 0.0  # items that nobody has met
    inputs.history_mask[0] = 0.0  # a user without a history
    seen, wanted = compiled.see(inputs.of_users), reference.see(inputs.of_users)
    np.testing.assert_allclose(seen.vectors, wanted.vectors, atol=1e-5)
    for name, each in wanted.parts.items():
        np.testing.assert_allclose(seen.parts[name], each, atol=1e-5)
    found, expected = compiled.score(inputs), reference.score(inputs)
    for one, other in zip((*found[:2], *found.more), (*expected[:2], *expected.more), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5, rtol=2e-5)


def form(encoder: EncoderKind, fusion: FusionKind) -> Path:
    """The files of a network of this form."""
    plan = NetworkPlan(fusion=fusion, encoder=encoder, width=24, heads=3, hidden=(20, 7), layers=2)
    return made_once(
        f"form-{encoder}-{fusion}", lambda folder: export_in_parts(small_net(1, SCHEMA, plan), folder)
    )


@pytest.mark.parametrize(
    ("encoder", "fusion"), [("none", "concat"), ("sasrec", "weighted"), ("ligr", "attention")]
)
def test_every_form_of_the_network_has_a_compiled_one(encoder: EncoderKind, fusion: FusionKind) -> None:
    folder = form(encoder, fusion)
    reference = open_rescorer(folder / RESCORER_FP32, SCHEMA)
    assert isinstance(reference, InParts)
    agree(open_compiled(folder, SCHEMA), reference, SCHEMA, 2, 61)


@pytest.mark.parametrize(("users", "candidates"), [(1, 1), (3, 40), (2, 41), (1, 200)])
def test_scores_are_those_of_fp32(
    compiled: CompiledParts, reference: InParts, users: int, candidates: int
) -> None:
    agree(compiled, reference, SCHEMA, users, candidates)


def test_scores_depend_neither_on_the_batch_nor_on_the_others(compiled: CompiledParts) -> None:
    inputs = random_inputs(SCHEMA, 5, 90)
    together = compiled.score(inputs).click
    for user in range(5):
        alone = RescorerInputs(*(each[user : user + 1] for each in inputs))  # type: ignore[arg-type]
        np.testing.assert_array_equal(compiled.score(alone).click[0], together[user])
    items, asked = compiled.flat(inputs)
    turned = np.concatenate([user * 90 + np.arange(90)[::-1] for user in range(5)]).astype(np.int32)
    backwards = asked._replace(rows=turned, features=asked.features[turned])
    found = compiled.rescore(compiled.see(inputs.of_users), items, backwards).click
    np.testing.assert_array_equal(found.reshape(5, 90)[:, ::-1], together)
    some = asked._replace(rows=turned[:7], features=asked.features[turned[:7]], offsets=[0, 3, 3, 7, 7, 7])
    found = compiled.rescore(compiled.see(inputs.of_users).of([0, 1, 0, 3, 4]), items, some).click
    np.testing.assert_array_equal(found, together[0, ::-1][:7])


def test_what_a_caller_gives_is_checked_and_may_lie_anyhow(compiled: CompiledParts) -> None:
    inputs = random_inputs(SCHEMA, 2, 9)
    expected = compiled.vectors(inputs.of_users)
    turned = np.asfortranarray(inputs.words)
    turned.flags.writeable = False
    np.testing.assert_array_equal(compiled.vectors(inputs.of_users._replace(words=turned)), expected)
    wrongs: list[Any] = [inputs.words[:, 1:], inputs.words[:1], inputs.words.astype(np.float64)]
    for wrong in wrongs:
        with pytest.raises(ModelError, match="did not run on words"):
            compiled.see(inputs.of_users._replace(words=wrong))
    items, asked = compiled.flat(inputs)
    with pytest.raises(ModelError, match="did not run on candidate_features"):
        compiled.rescore(compiled.see(inputs.of_users), items, asked._replace(features=asked.features[:, 1:]))


def test_threads_may_share_a_model(compiled: CompiledParts) -> None:
    inputs = [random_inputs(SCHEMA, 2, 50, seed) for seed in range(8)]
    expected = [compiled.score(each).click for each in inputs]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(compiled.score, inputs * 5), expected * 5, strict=True):
            np.testing.assert_array_equal(found.click, wanted)


def test_a_loaded_model_is_compiled_where_that_is_asked_for_first(registered: Registered) -> None:
    folder = registered[0].get("first")
    assert load_model(folder, (COMPILED,)).rescorer.provider == COMPILED
    assert load_model(folder, ("cpu", COMPILED)).rescorer.provider == "cpu"


def test_a_network_without_a_compiled_form_runs_in_onnxruntime(
    registered: Registered, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(lowering.Lowering, "_softmax")
    with caplog.at_level(logging.WARNING):
        model = load_model(registered[0].get("first"), (COMPILED,))
    assert model.rescorer.provider == "cpu"
    assert "runs in onnxruntime, since it has no compiled form: no instruction does Softmax" in caplog.text


def test_a_processor_whose_code_is_wrong_falls_back(
    registered: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled_parts, "BLOCK", 39)
    monkeypatch.setattr(compiled_parts, "FARTHEST", -1.0)
    with pytest.raises(UnknownNetworkError, match="differs from onnxruntime"):
        open_compiled(registered[0].get("first"), SCHEMA)


def test_files_of_another_schema_are_refused(registered: Registered) -> None:
    schema = msgspec.structs.replace(SCHEMA, history=7)
    with pytest.raises(ManifestError, match="export it again"):
        open_compiled(registered[0].get("first"), schema)


def test_the_gate_judges_the_compiled_form_too(registered: Registered, net: FusionNet) -> None:
    folder = registered[0].get("first")
    check_compiled(net, folder, held_out())
    with pytest.raises(ParityError, match="click_error_mean"):
        check_compiled(small_net(5), folder, held_out(), ParityLimits(top10_agreement=0.0))


SCRIPT = """
import gc, sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from export.compiled_parts import open_compiled, warm_up
from export.random_inputs import random_inputs
from tests.export.conftest import SCHEMA

def compiled():
    kernels = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    ours = [each for each in kernels if each.py_func.__module__.startswith("export.forward")]
    return {f"{each.py_func.__module__}.{each.py_func.__name__}": len(each.signatures) for each in ours}

warm_up()
before = compiled()
for folder in sys.argv[1:]:
    parts = open_compiled(Path(folder), SCHEMA)
    for users, candidates in ((1, 5), (3, 90)):
        parts.score(random_inputs(SCHEMA, users, candidates))
assert before["export.forward.feeding.score_candidates"] == 1, before
print(sorted(name for name, count in compiled().items() if count != before[name]))
"""


def test_nothing_is_compiled_after_the_warm_up(registered: Registered) -> None:
    folders = [str(registered[0].get("first")), str(form("none", "concat"))]
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *folders], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
