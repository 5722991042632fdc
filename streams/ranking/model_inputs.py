"""What a model reads of a draft: the columns of its features, and histories as its arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.compiled import compiled
from model.errors import ManifestError
from model.feature_names import LIVE_FEATURES, rank_feature
from model.schema import F32, Schema


@compiled
def fill_history(
    rows: NDArray[np.int32],
    told: F32,
    codes: NDArray[np.uint8],
    item_vectors: F32,
    known: NDArray[np.int64],
    vectors: F32,
    features: F32,
    actions: NDArray[np.int64],
    mask: F32,
) -> None:
    """Fill `vectors` to `mask` from `rows`, their features `told` and the `codes` of their actions, which the
    model knows as `known`; zeros where no item is, and past the end of the shorter history.
    """
    there = min(rows.shape[1], mask.shape[1])
    for b in range(len(mask)):
        features[b] = np.float32(0.0)
        for k in range(mask.shape[1]):
            row = rows[b, k] if k < there else np.int32(-1)
            if k < there:
                features[b, k] = told[b, k]
            if row < 0:
                vectors[b, k], mask[b, k], actions[b, k] = np.float32(0.0), np.float32(0.0), 0
                continue
            mask[b, k], actions[b, k] = np.float32(1.0), known[codes[b, k]]
            for d in range(vectors.shape[2]):
                vectors[b, k, d] = item_vectors[row, d]


def feature_names(sources: Sequence[str]) -> tuple[str, ...]:
    """The columns of a draft's features where the sources are these."""
    return (*LIVE_FEATURES, *(rank_feature(source) for source in sources))


def _columns(schema: Schema, sources: Sequence[str]) -> NDArray[np.intp] | slice:
    """Where each feature that the model wants stands in a draft. A source it does not know is no feature."""
    names = {name: at for at, name in enumerate(feature_names(sources))}
    missing = [name for name in schema.candidate_features if name not in names]
    if missing:
        raise ManifestError(
            f"the model wants features that this build does not compute: {', '.join(missing)}; retrain it"
        )
    columns = [names[name] for name in schema.candidate_features]
    if columns == list(range(len(columns))):
        return slice(len(columns))  # the usual case, and much faster
    return np.array(columns, np.intp)
