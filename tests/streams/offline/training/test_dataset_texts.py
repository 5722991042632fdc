"""A dataset's texts: which are known when, and the vectors of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.registry import Registry
from model.schema import F32
from streams.datasets.dataset import Dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.offline.replay.options import silent
from streams.offline.training.dataset_texts import (
    TEXTS_AT_A_TIME,
    counted,
    encode_all,
    spread,
    text_encoder,
    texts_of,
)
from streams.settings.reading import override
from streams.settings.tree import Settings


def dataset(text: list[str] | None) -> Dataset:
    stream = Interactions(
        ["u"] * 3, ["a", "b", "c"], np.arange(3) * 1_000, np.full(3, np.nan, np.float32), text=text
    )
    return Dataset(stream, {"a": ItemText(title="Heat"), "b": ItemText(), "c": ItemText(title="Fargo")})


def test_reviews_that_come_later_are_not_known() -> None:
    assert texts_of(dataset(["first", "", "third"]), 2) == ["Heat", "Fargo", "first"]
    assert texts_of(dataset(["first", "", "third"]), 3) == ["Heat", "Fargo", "first", "third"]
    assert texts_of(dataset(None), 3) == ["Heat", "Fargo"]


def test_a_language_that_the_encoder_does_not_know_is_said(
    small_encoder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It has MiniLM's tokenizer."""
    settings = override(Settings(), {"model": {"text_encoder": str(small_encoder)}})
    chinese = ["运动鞋 男款 轻便 透气", "真皮钱包 男士 短款"]
    with caplog.at_level(logging.WARNING):
        encoder = text_encoder(Registry(tmp_path), ["running shoes", "a leather wallet"], settings, silent)
        assert caplog.messages == []
        assert text_encoder(Registry(tmp_path), chinese, settings, silent).manifest == encoder.manifest
    (said,) = caplog.messages
    count = counted(encoder, chinese)
    assert f"{count.unknown} of {count.tokens}" in said
    assert 0.2 < count.share < 1


@given(st.integers(0, 300), st.integers(1, 50))
def test_a_sample_is_spread_over_all_in_their_order(texts: int, count: int) -> None:
    names = [f"{k:03}" for k in range(texts)]
    found = spread(names, count)
    assert len(found) == min(texts, count)
    assert found == sorted(set(found))
    if texts > count > 1:
        assert (found[0], found[-1]) == (names[0], names[-1])
        gaps = np.diff([int(name) for name in found])
        assert gaps.max() - gaps.min() <= 1


def test_every_different_text_has_its_own_vector_and_progress_is_told() -> None:
    asked: list[int] = []
    told: list[tuple[str, int, int]] = []

    def encode(texts: Sequence[str]) -> F32:
        asked.append(len(texts))
        return np.array([[float(text)] for text in texts], np.float32)

    count = 2 * TEXTS_AT_A_TIME + 5
    names = [str(k) for k in range(count)]
    found = encode_all([*names, "", *names[:9]], encode, "reading", lambda *say: told.append(say))
    assert {name: float(vector[0]) for name, vector in found.items()} == {each: float(each) for each in names}
    assert asked == [TEXTS_AT_A_TIME, TEXTS_AT_A_TIME, 5]
    assert told[-1] == ("reading", count, count)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert encode_all([], encode, "reading", lambda *say: None) == {}
    assert encode_all(names, None, "reading", lambda *say: None) == {}
