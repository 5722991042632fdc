"""The next item by text alone: how often it is among the nearest to the texts of a user's last ten items.

    python -m benchmarks.text_recall --interactions FILE --items FILE --encoders NAME,NAME --json FILE

As the source `nearest` has it: vectors as served and kept; an item without a text of its own has the mean of
its reviews. The projection is fitted to texts of the first half; the last fifth of the events is judged.
"""

from __future__ import annotations

from typing import Any

from benchmarks.encoders import compare_encoders
from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.evaluate import hit_rate, ndcg
from model.text_encoder import BUNDLED
from model.universal import UNIVERSAL
from streams.datasets.as_events import reviews_of
from streams.datasets.dataset import Dataset
from streams.offline.text_tuning.text_recall import next_item_ranks
from streams.offline.training.dataset_texts import spread, texts_of

PACKAGES = (UNIVERSAL, BUNDLED, "numpy", "onnxruntime", "tokenizers")
JUDGED_FROM = 0.8


def measure(registry: Registry, name: str, dataset: Dataset) -> dict[str, Any]:
    """Recall within 10 and 200, and NDCG, with standard errors."""
    events = len(dataset.interactions)
    if not registry.text.has(encoder_name(name)):
        export_text_encoder(registry, spread(texts_of(dataset, events // 2), 2_000), 1, name)
    encoder = load_text_encoder(registry.text.get(encoder_name(name)))
    own = {item: found.joined for item, found in dataset.items.items() if found.joined.strip()}
    reviews = {k: text for k, text in enumerate(reviews_of(dataset.interactions)) if text.strip()}
    announced = dict(zip(own, encoder.project(list(own.values())), strict=True))
    words = dict(zip(reviews, encoder.project(list(reviews.values())), strict=True))
    ranks = next_item_ranks(dataset.interactions, announced, words, int(events * JUDGED_FROM), events)
    found = {
        "recall@10": hit_rate(ranks, 10),
        "recall@200": hit_rate(ranks, 200),
        "ndcg": ndcg(ranks, int(ranks.max(initial=1))),
    }
    return {
        "events": len(ranks),
        **{each: [round(value.value, 4), round(value.error, 4)] for each, value in found.items()},
    }


def main() -> None:
    """See `compare_encoders`."""
    compare_encoders(
        "text_recall", "The next item by text alone.", f"{UNIVERSAL},{BUNDLED}", PACKAGES, measure
    )


if __name__ == "__main__":
    main()
