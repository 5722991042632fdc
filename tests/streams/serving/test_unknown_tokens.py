"""An encoder that does not know a catalogue's language is said to, once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from export.registry import Registry
from export.text import load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.universal import UNIVERSAL
from streams.serving.unknown_tokens import WatchedEncoder

CHINESE = ["运动鞋 男款 轻便 透气", "真皮钱包 男士 短款", "不锈钢保温杯 大容量", "机械键盘 青轴 游戏专用"]
ENGLISH = ["running shoes for men, light and breathable", "a wallet of leather for men, short"]


@pytest.fixture(scope="module")
def of_english(small_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """With MiniLM's tokenizer."""
    registry = Registry(tmp_path_factory.mktemp("english"))
    export_text_encoder(registry, ENGLISH, 1, str(small_encoder))
    return registry


def test_it_is_said_once(of_english: Registry, caplog: pytest.LogCaptureFixture) -> None:
    encoder = WatchedEncoder(load_text_encoder(of_english.text.get("small")))
    with caplog.at_level(logging.WARNING):
        encoder(CHINESE)
        assert caplog.messages == [], "too few tokens to tell"
        for _ in range(50):
            assert encoder(CHINESE).shape == (len(CHINESE), 64)
    (said,) = caplog.messages
    assert "does not know" in said
    assert UNIVERSAL in said


def test_nothing_is_said_of_what_is_known(
    of_english: Registry, universal_registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for folder, texts in (
            (of_english.text.get("small"), ENGLISH),
            (universal_registry.text.get(UNIVERSAL), CHINESE),
        ):
            encoder = WatchedEncoder(load_text_encoder(folder))
            for _ in range(100):
                encoder(texts)
            assert not encoder.said
    assert caplog.messages == []
