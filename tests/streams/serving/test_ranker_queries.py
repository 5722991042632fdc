"""Each text is encoded once, as long as it is among those asked for lately."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.schema import F32
from streams.serving.ranker_queries import Queries


class Encoder:
    """Vectors that tell texts apart; `read`: what it was given, a list a call."""

    def __init__(self) -> None:
        self.read: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> F32:
        self.read.append(list(texts))
        return np.array([[len(text), 1.0] for text in texts], np.float32)


async def test_texts_are_encoded_once_and_those_asked_for_lately_stay() -> None:
    encode, queries = Encoder(), Queries(timeout_s=5.0, kept=3)
    assert await queries.vectors(["a", "bb", "a"], None) == {}
    found = await queries.vectors(["a", "bb", "a", "ccc"], encode)
    assert {text: vector.tolist() for text, vector in found.items()} == {
        "a": [1.0, 1.0], "bb": [2.0, 1.0], "ccc": [3.0, 1.0],
    }  # fmt: skip
    assert list(await queries.vectors(["a"], encode)) == ["a"]
    assert await queries.vector("ccc", encode) is not None
    await queries.vectors(["dddd"], encode)  # of three, "bb" was asked for the longest ago
    await queries.vectors(["a", "ccc", "dddd"], encode)
    assert encode.read == [["a", "bb", "ccc"], ["dddd"]]
    assert sorted(await queries.vectors(["bb", "a"], encode)) == ["a", "bb"]
    assert encode.read[2:] == [["bb"]]


async def test_more_texts_than_are_kept_are_all_answered() -> None:
    encode, queries = Encoder(), Queries(timeout_s=5.0, kept=2)
    await queries.vectors(["a", "bb"], encode)
    found = await queries.vectors(["a", "bb", "ccc", "dddd", "eeeee"], encode)
    assert {text: float(vector[0]) for text, vector in found.items()} == {
        text: float(len(text)) for text in ("a", "bb", "ccc", "dddd", "eeeee")
    }
