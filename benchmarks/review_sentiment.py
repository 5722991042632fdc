"""What the text of a review alone says of its stars: a linear head on a text encoder's vectors.

    python -m benchmarks.review_sentiment --interactions FILE --encoders NAME --json FILE

It learns from the first four fifths of the stream and judges the last: how often a review of four or five
stars has a higher value than one of one or two (AUC), from title and text together. `whole`: the encoder's
own vectors; `kept`: the 64 numbers that states and items hold. The head is a logistic regression. Both kinds
weigh alike in it; its ridge is chosen on the last fifth of what it learns from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

from benchmarks.encoders import compare_encoders
from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.schema import F32
from model.universal import UNIVERSAL
from streams.datasets.as_events import reviews_of
from streams.datasets.dataset import Dataset
from streams.offline.training.dataset_texts import spread

PACKAGES = (UNIVERSAL, "numpy", "onnxruntime", "scipy")
LEARNED, RIDGES = 0.8, (1.0, 3.0, 10.0, 30.0)
RESAMPLED = 200
F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


def fitted(vectors: F64, praises: Bool, ridge: float) -> F64:
    """Weights [dim + 1], the last one the offset: least logistic loss plus ridge / 2 times their squares."""
    signs = np.where(praises, 1.0, -1.0)
    weights = np.where(praises, 0.5 / praises.mean(), 0.5 / (~praises).mean())
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])

    def loss(head: F64) -> tuple[float, F64]:
        margins = signs * (inputs @ head)
        slopes = -signs * weights / (1.0 + np.exp(np.clip(margins, -50, 50)))
        value = weights @ np.logaddexp(0.0, -margins) + ridge / 2 * head[:-1] @ head[:-1]
        return float(value), inputs.T @ slopes + ridge * np.append(head[:-1], 0.0)

    found: F64 = minimize(loss, np.zeros(inputs.shape[1]), jac=True, method="L-BFGS-B").x
    return found


def auc(values: F64, praises: Bool) -> float:
    """How often one that praises is above one that does not; half for a tie.

    >>> auc(np.array([0.1, 0.9, 0.5]), np.array([False, True, True]))
    1.0
    """
    above = rankdata(values)[praises].sum() - praises.sum() * (praises.sum() + 1) / 2
    return float(above / (praises.sum() * (~praises).sum()))


def judged(vectors: F32, praises: Bool, learned: int) -> dict[str, Any]:
    """The AUC on what comes after the first `learned` reviews, its standard error (bootstrap), the ridge."""
    exact, inner = vectors.astype(np.float64), int(learned * LEARNED)
    tried = {
        ridge: auc(
            exact[inner:learned] @ fitted(exact[:inner], praises[:inner], ridge)[:-1], praises[inner:learned]
        )
        for ridge in RIDGES
    }
    ridge = max(tried, key=lambda each: tried[each])
    values = exact[learned:] @ fitted(exact[:learned], praises[:learned], ridge)[:-1]
    rng, true = np.random.default_rng(7), praises[learned:]
    drawn = (rng.integers(0, len(true), len(true)) for _ in range(RESAMPLED))
    error = float(np.std([auc(values[some], true[some]) for some in drawn]))
    return {"auc": round(auc(values, true), 4), "error": round(error, 4), "ridge": ridge}


def measure(registry: Registry, name: str, dataset: Dataset) -> dict[str, Any]:
    """Of one encoder; reviews of three stars, and those without text, are left out."""
    stream = dataset.interactions
    texts = reviews_of(stream)
    rows = [k for k, text in enumerate(texts) if text.strip() and abs(stream.rating[k] - 3.0) >= 1.0]
    if not registry.text.has(encoder_name(name)):
        export_text_encoder(registry, spread([text for text in texts if text.strip()], 2_000), 1, name)
    encoder = load_text_encoder(registry.text.get(encoder_name(name)))
    praises: Bool = stream.rating[rows] > 3.0
    learned = int(np.searchsorted(rows, len(texts) * LEARNED))
    whole = encoder.encode([texts[k] for k in rows])
    return {
        "learned": {"praise": int(praises[:learned].sum()), "blame": int((~praises[:learned]).sum())},
        "judged": {"praise": int(praises[learned:].sum()), "blame": int((~praises[learned:]).sum())},
        "whole": judged(whole, praises, learned),
        "kept": judged(encoder.projection(whole), praises, learned),
    }


def main() -> None:
    """See `compare_encoders`."""
    compare_encoders(
        "review_sentiment", "What the text of a review alone says of its stars.", UNIVERSAL, PACKAGES, measure
    )


if __name__ == "__main__":
    main()
