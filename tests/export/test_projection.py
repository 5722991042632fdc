"""The projection, against scikit-learn's principal components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from export.projection import (
    VARIANCE_LEAST,
    WHITENING,
    fit_projection,
    load_projection,
    save_projection,
)
from model.errors import ManifestError
from model.schema import F32


def vectors(count: int = 400, dim: int = 12) -> F32:
    """Vectors of length 1 that differ more in some directions than in others."""
    rng = np.random.default_rng(0)
    found = rng.standard_normal((count, dim)) * np.linspace(3, 0.2, dim) + 0.5
    unit: F32 = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_components_are_the_principal_ones() -> None:
    expected = PCA(5).fit(vectors())
    found = fit_projection(vectors(), 5)
    np.testing.assert_allclose(found.mean, expected.mean_, atol=1e-6)
    overlap = np.abs(found.components.T @ expected.components_.T)
    lengths = (expected.explained_variance_ / expected.explained_variance_[0]) ** -WHITENING
    np.testing.assert_allclose(overlap, np.diag(lengths), atol=1e-4)


def test_a_whitened_component_varies_as_the_root_of_what_it_was() -> None:
    """A quarter each time: the variance of what is projected is the root of what it was."""
    projection = fit_projection(vectors(), 5)
    made = (vectors() - projection.mean) @ projection.components
    plain = PCA(5).fit(vectors()).explained_variance_
    np.testing.assert_allclose(made.var(axis=0) / made[:, 0].var(), np.sqrt(plain / plain[0]), rtol=1e-3)


def test_what_few_texts_do_not_vary_in_gets_a_bounded_say() -> None:
    lengths = np.linalg.norm(fit_projection(vectors(4), 8).components, axis=0)
    assert lengths[0] == pytest.approx(1.0)
    assert lengths.max() == pytest.approx(VARIANCE_LEAST**-WHITENING)


def test_rows_have_length_one_and_empty_texts_stay_zero() -> None:
    projection = fit_projection(vectors(), 5)
    kept = projection(np.concatenate([vectors(20), np.zeros((1, 12), np.float32)]))
    assert kept.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(kept[:-1], axis=1), 1.0, atol=1e-5)
    assert not kept[-1].any()


def test_a_row_does_not_depend_on_the_rows_around_it() -> None:
    """Bit for bit: a worker reads a text alone, a dataset many at once."""
    many = vectors(300, 384)
    projection = fit_projection(many, 64)
    whole = projection(many)
    assert projection(many[:0]).shape == (0, 64)
    for size in (1, 7, 64):
        parts = [projection(many[at : at + size]) for at in range(0, len(many), size)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_fewer_texts_than_dimensions() -> None:
    kept = fit_projection(vectors(4), 8)(vectors(6))
    assert kept.shape == (6, 8)
    assert np.isfinite(kept).all()


def test_saved_and_loaded(tmp_path: Path) -> None:
    projection = fit_projection(vectors(), 5)
    save_projection(projection, tmp_path / "projection.npz")
    found = load_projection(tmp_path / "projection.npz", 12)
    np.testing.assert_array_equal(found.mean, projection.mean)
    np.testing.assert_array_equal(found.components, projection.components)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short"])
def test_file_that_is_no_projection_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "projection.npz").write_bytes(content)
    with pytest.raises(ManifestError, match="is no projection"):
        load_projection(tmp_path / "projection.npz", 12)


def test_projection_of_another_encoder_is_refused(tmp_path: Path) -> None:
    save_projection(fit_projection(vectors(), 5), tmp_path / "projection.npz")
    with pytest.raises(ManifestError, match="the encoder has 384"):
        load_projection(tmp_path / "projection.npz", 384)
