"""Each text is encoded once, as long as it is among those asked for lately."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from model.errors import RankerLateError
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


async def test_two_who_ask_for_one_query_have_it_made_once() -> None:
    encode, queries = Encoder(), Queries(timeout_s=5.0)
    made = await asyncio.gather(*(queries.vector("strap", encode) for _ in range(3)))
    assert [None if vector is None else vector.tolist() for vector in made] == 3 * [[5.0, 1.0]]
    assert await queries.vector("strap", encode) is not None
    assert encode.read == [["strap"]]
    await queries.close()


async def test_a_query_that_could_not_be_read_is_read_again() -> None:
    """All who wait are told why; nobody waits for it for ever."""
    encode, queries = Encoder(), Queries(timeout_s=5.0)

    def torn(texts: Sequence[str]) -> F32:
        raise ValueError("no vectors today")

    asked = [queries.vector("strap", torn) for _ in range(2)]
    assert [str(each) for each in await asyncio.gather(*asked, return_exceptions=True)] == 2 * [
        "no vectors today"
    ]
    assert await queries.vector("strap", encode) is not None


async def test_who_is_late_is_told_and_the_vector_is_kept_all_the_same() -> None:
    encode, queries, begin = Encoder(), Queries(timeout_s=0.05), threading.Event()

    def slow(texts: Sequence[str]) -> F32:
        begin.wait()
        return encode(texts)

    with pytest.raises(RankerLateError):
        await queries.vector("strap", slow)
    begin.set()
    await queries.close()
    assert await queries.vector("strap", slow) is not None
    assert encode.read == [["strap"]]
