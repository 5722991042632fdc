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

from benchmarks.encoders import compare_encoders
from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.schema import F32
from model.universal import UNIVERSAL
from streams.datasets.as_events import reviews_of
from streams.datasets.dataset import Dataset
from streams.offline.training.dataset_texts import spread
from streams.offline.training.opinion_head import LEARNED, Bool, judged

PACKAGES = (UNIVERSAL, "numpy", "onnxruntime", "scipy")


def told(vectors: F32, praises: Bool, learned: int) -> dict[str, Any]:
    """The AUC on what comes after the first `learned` reviews, its standard error (bootstrap), the ridge."""
    _, found = judged(vectors.astype(np.float64), praises, learned)
    return {"auc": round(found.auc, 4), "error": round(found.error, 4), "ridge": found.ridge}


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
        "whole": told(whole, praises, learned),
        "kept": told(encoder.projection(whole), praises, learned),
    }


def main() -> None:
    """See `compare_encoders`."""
    compare_encoders(
        "review_sentiment", "What the text of a review alone says of its stars.", UNIVERSAL, PACKAGES, measure
    )


if __name__ == "__main__":
    main()
