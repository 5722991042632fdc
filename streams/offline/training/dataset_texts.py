"""A dataset's texts, and the encoder that reads them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from export.registry import Registry
from export.text import TextEncoder, TokenCount, encoder_name, load_text_encoder, too_much_unknown
from model.schema import F32
from streams.datasets.as_events import reviews_of
from streams.datasets.dataset import Dataset
from streams.serving.loading import check_width
from streams.settings.tree import Settings
from streams.state.event_meaning import Encode, encoded

Say = Callable[[str, int, int], None]
"""Takes the stage, how far it is, and how far it goes."""

log = logging.getLogger(__name__)

TEXTS_FOR_PROJECTION = 2_000
TEXTS_COUNTED = 2_000
TEXTS_AT_A_TIME = 64


def text_encoder(registry: Registry, texts: Sequence[str], settings: Settings, say: Say) -> TextEncoder:
    """The registered encoder that the settings name; exports it first if the registry lacks it.

    The log says where it does not know much of the texts.
    """
    name = encoder_name(settings.model.text_encoder)
    if not registry.text.has(name):
        from export.text_to_onnx import export_missing

        say("exporting the text encoder", 0, 1)
        export_missing(registry, spread(texts, TEXTS_FOR_PROJECTION), settings.model.text_encoder)
        say("exporting the text encoder", 1, 1)
    model = settings.model
    encoder = check_width(
        load_text_encoder(
            registry.text.get(name), model.providers, model.fallback, model.threads, model.text_max_tokens
        )
    )
    if trouble := too_much_unknown(settings.model.text_encoder, counted(encoder, texts)):
        log.warning("%s", trouble)
    return encoder


def counted(encoder: TextEncoder, texts: Sequence[str]) -> TokenCount:
    """The tokens of the texts, or of so many of them as tell how it is with all."""
    return encoder.count(spread(texts, TEXTS_COUNTED))


def texts_of(dataset: Dataset, until: int) -> list[str]:
    """The texts known by event `until`: of all described items, and of the reviews so far."""
    items = (item.joined for item in dataset.items.values())
    return [text for text in (*items, *reviews_of(dataset.interactions, until)) if text]


def spread(texts: Sequence[str], count: int) -> list[str]:
    """At most `count` of the texts, evenly spread over all."""
    if len(texts) <= count:
        return list(texts)
    return [texts[int(place)] for place in np.linspace(0, len(texts) - 1, count)]


def encode_all(texts: Iterable[str], encode: Encode | None, stage: str, say: Say) -> dict[str, F32]:
    """A vector for each different text; none without an encoder."""
    vectors: dict[str, F32] = {}
    if encode is None:
        return vectors
    different = list(dict.fromkeys(filter(None, texts)))
    for begin in range(0, len(different), TEXTS_AT_A_TIME):
        vectors |= encoded(different[begin : begin + TEXTS_AT_A_TIME], encode)
        say(stage, len(vectors), len(different))
    return vectors
