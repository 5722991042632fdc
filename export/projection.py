"""From a text encoder's vectors to the few dimensions that Headrace keeps of every item: principal
components, half whitened.

Along the first components most texts differ, so in a plain projection these alone decide how close two texts
are. Whitening gives all components the same say, also those that are mostly noise. Between the two lies what
finds most (Su et al. 2021, "Whitening sentence representations for better semantics and faster retrieval";
what was tried is in dev/LOG.md).

The export fits the projection once, and ships it with the encoder: vectors of two projections do not compare.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from model.compiled import compiled
from model.errors import ManifestError
from model.schema import F32

RIDGE = 1e-6  # keeps the components well defined if there are fewer texts than dimensions
WHITENING = 0.25
"""A component is divided by its variance to this power: 0 is a plain projection, .5 whitens."""
VARIANCE_LEAST = 0.01
"""Of the largest: what few texts do not vary in is not what they would vary in least."""


class Projection(NamedTuple):
    """mean [dim], components [dim, kept], orthogonal columns."""

    mean: F32
    components: F32

    def __call__(self, vectors: F32) -> F32:
        """[n, dim] -> [n, kept] of length 1; a zero vector (no text) stays zero.

        It projects row by row: a product of matrices adds in another order for another number of rows, and a
        text's vector must not depend on the texts around it.
        """
        kept = np.zeros((len(vectors), self.components.shape[1]), np.float32)
        _project(np.ascontiguousarray(vectors), self.mean, np.ascontiguousarray(self.components), kept)
        return kept


@compiled
def _project(vectors: F32, mean: F32, components: F32, kept: F32) -> None:
    """Write the rows of kept, which are 0. A few calls of numpy for one vector take five times as long."""
    for row in range(len(vectors)):
        vector, out = vectors[row], kept[row]
        if not np.any(vector):
            continue
        for k in range(len(vector)):
            apart, component = vector[k] - mean[k], components[k]
            for j in range(len(out)):
                out[j] += apart * component[j]
        squares = np.float32(0.0)
        for j in range(len(out)):
            squares += out[j] * out[j]
        if squares > 0.0:
            length = np.sqrt(squares)
            for j in range(len(out)):
                out[j] /= length


def warm_up() -> None:
    """Load what is compiled, or compile it."""
    Projection(np.zeros(1, np.float32), np.zeros((1, 1), np.float32))(np.zeros((1, 1), np.float32))


def fit_projection(vectors: F32, kept: int) -> Projection:
    """The `kept` directions in which the vectors [n, dim] differ most, each with the length that `WHITENING`
    gives it; the first one has 1.

    Each component's sign is fixed (its largest entry is positive): the same vectors give the same projection.
    """
    centre = vectors.mean(axis=0, dtype=np.float64)
    shifted = vectors - centre
    covariance = shifted.T @ shifted / len(vectors) + RIDGE * np.eye(vectors.shape[1])
    variances, directions = np.linalg.eigh(covariance)
    chosen, shares = directions[:, ::-1][:, :kept], variances[::-1][:kept] / variances[-1]
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
    lengths = np.maximum(shares, VARIANCE_LEAST) ** -WHITENING
    return Projection(centre.astype(np.float32), (chosen * (signs * lengths)).astype(np.float32))


def save_projection(projection: Projection, path: Path) -> None:
    """Write a .npz of two arrays."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, mean=projection.mean, components=projection.components)


def load_projection(path: Path, dim: int) -> Projection:
    """The projection of vectors of `dim`; `ManifestError` if the file holds another one."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            projection = Projection(arrays["mean"], arrays["components"])
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ManifestError(f"{path} is no projection ({error}); export the text encoder again") from None
    if projection.mean.shape != (dim,) or projection.components.shape[0] != dim:
        raise ManifestError(
            f"{path} projects from {projection.mean.shape} dimensions, the encoder has {dim}; export it again"
        )
    return projection
