"""What stands in for a catalogue's texts, where it has none yet."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.chinese_goods import chinese_goods
from export.projection import Projection, fit_projection
from export.registry import Registry
from export.text import TextEncoder, load_text_encoder
from export.text_to_onnx import GENERAL
from export.universal.phrases import WORDS, phrases
from model.universal import UNIVERSAL


@pytest.fixture(scope="module")
def encoder(universal_registry: Registry) -> TextEncoder:
    """Made without any texts."""
    return load_text_encoder(universal_registry.text.get(UNIVERSAL))


def test_phrases_are_the_same_each_time_and_longer_lists_begin_with_shorter_ones() -> None:
    assert phrases(3) == phrases(20)[:3]
    assert len(set(phrases(20))) == 20
    assert all(len(each.split()) == WORDS for each in phrases(20))


def test_what_is_kept_tells_goods_apart_better_than_what_a_few_texts_give(encoder: TextEncoder) -> None:
    """Chinese titles, though no phrase has a Chinese word: of how they differ, as much more is kept."""
    titles = encoder.encode([good.title for good in chinese_goods()][::3])
    few = fit_projection(encoder.encode(list(GENERAL)), encoder.kept)

    def kept(projection: Projection) -> float:
        differences = titles - titles.mean(axis=0)
        directions = projection.components / np.linalg.norm(projection.components, axis=0)
        return float(np.square(differences @ directions).sum() / np.square(differences).sum())

    assert kept(encoder.projection) > 1.2 * kept(few)
