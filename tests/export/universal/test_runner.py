"""The encoder's compiled code against onnxruntime."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from export.forward.onnx_file import read_graph
from export.manifest import TEXT_ENCODER, TEXT_ENCODER_FP32, VECTOR_TABLE
from export.providers import Opened
from export.registry import Registry
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, load_text_encoder, text_inputs
from export.universal import forward, runner
from export.universal.runner import UniversalRunner, compiled_or, warm_up
from export.universal.tiles import SUPPORTED
from export.universal.weights import packed_weights, words_in_all
from model.errors import ModelError
from model.schema import F32
from model.universal import UNIVERSAL

TOKENS = 128_010
LENGTHS = (1, 2, 3, 5, 6, 7, 13, 64, 128)
pytestmark = pytest.mark.skipif(not SUPPORTED, reason="this processor adds up no products of bytes (VNNI)")


@pytest.fixture(scope="module")
def folder(universal_registry: Registry) -> Path:
    return universal_registry.text.get(UNIVERSAL)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Runner:
    return Runner(open_session(lambda _provider: folder / TEXT_ENCODER), TEXT_OUTPUTS)


@pytest.fixture(scope="module")
def compiled(folder: Path, reference: Runner) -> UniversalRunner:
    found = compiled_or(reference, folder)
    assert isinstance(found, UniversalRunner)
    return found


def texts() -> list[list[int]]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, TOKENS, length).tolist() for length in LENGTHS for _ in range(4)]


def alone(of: Runner | UniversalRunner, tokens: list[int]) -> F32:
    return of.vectors([tokens]) if isinstance(of, UniversalRunner) else of.run(text_inputs([tokens]))[0]


def test_it_gives_what_onnxruntime_gives(reference: Runner, compiled: UniversalRunner) -> None:
    pairs = [(alone(compiled, each)[0], alone(reference, each)[0]) for each in texts()]
    assert min(float(one @ other) for one, other in pairs) > 0.9995
    # Both round the same numbers, but for a few that lie between two levels.
    assert np.median([np.abs(one - other).max() for one, other in pairs]) < 1e-6


def test_texts_together_have_the_vectors_that_they_have_alone(compiled: UniversalRunner) -> None:
    every = texts()
    together = compiled.vectors(every)
    for row, each in zip(together, every, strict=True):
        np.testing.assert_array_equal(row, alone(compiled, each)[0])


def test_an_encoder_takes_it_where_the_processor_can(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_text_encoder(folder).batch == UniversalRunner.together
    assert load_text_encoder(folder, ["cpu"]).batch == 1  # onnxruntime, where that is asked for
    monkeypatch.setattr(runner, "SUPPORTED", False)
    assert load_text_encoder(folder).batch == 1


def test_a_gpu_keeps_its_session(folder: Path, reference: Runner) -> None:
    on_gpu = Runner(Opened(reference.session, "cuda", False), TEXT_OUTPUTS)
    assert compiled_or(on_gpu, folder) is on_gpu


def test_another_network_goes_through_onnxruntime(
    folder: Path, tmp_path: Path, reference: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(folder / TEXT_ENCODER_FP32, tmp_path / TEXT_ENCODER)
    shutil.copy(folder / VECTOR_TABLE, tmp_path / VECTOR_TABLE)
    assert compiled_or(reference, tmp_path) is reference
    assert "goes through onnxruntime" in caplog.text


def test_code_that_is_off_is_not_taken(
    folder: Path, reference: Runner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(constants: dict[str, NDArray[Any]]) -> NDArray[np.int32]:
        return packed_weights({**constants, "d3_scale": constants["d3_scale"] * -1.0})

    monkeypatch.setattr(runner, "packed_weights", wrong)
    assert compiled_or(reference, folder) is reference
    assert "expected a cosine of" in caplog.text


def test_a_token_beyond_the_table_is_refused(compiled: UniversalRunner) -> None:
    with pytest.raises(ModelError, match="expected tokens from 0 to 128009, got some from 3 to 128010"):
        alone(compiled, [3, TOKENS])
    with pytest.raises(ModelError, match="got some from -1"):
        alone(compiled, [-1, 3])


def test_a_warm_up_compiles_what_an_encoder_needs(compiled: UniversalRunner, folder: Path) -> None:
    warm_up()
    known: Any = forward.forward
    assert len(known.overloads) == 1
    assert len(packed_weights(read_graph(folder / TEXT_ENCODER).constants)) == words_in_all()


def test_the_file_is_read_as_onnx_reads_it(folder: Path) -> None:
    found = read_graph(folder / TEXT_ENCODER).constants
    wanted = onnx.load(folder / TEXT_ENCODER, load_external_data=False).graph.initializer
    inside = {each.name: each for each in wanted if each.data_location != onnx.TensorProto.EXTERNAL}
    assert len(wanted) == len(inside) + 1
    assert found.keys() == inside.keys()
    for name, each in inside.items():
        values = numpy_helper.to_array(each)
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)
