"""Items like what was met, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.signals.lists.likeness import LIKENESS, ItemContent, likeness
from tests.streams.signals.lists.sessions import session

ATTRIBUTES = np.array([[1, 2, 0], [1, 2, 3], [3, 0, 0], [0, 0, 0], [1, 2, 0]], np.int32)
TEXT = np.array([[1, 0], [0.6, 0.8], [0, 1], [0, 0], [1, 0]], np.float32)


def columns(rows: list[int], *events: tuple[int, float], actions: str = "") -> dict[str, list[float]]:
    met = session(rows, *events, actions=actions)
    found = likeness(np.array(rows, np.int32), ItemContent(ATTRIBUTES, TEXT), met)
    return {name: column.tolist() for name, column in zip(LIKENESS, found, strict=True)}


def test_properties_and_texts_in_common_with_what_was_met_and_chosen() -> None:
    found = columns([0, 1, 3], (4, 20.0), (2, 10.0), actions="cv")
    assert found["like_last"] == pytest.approx([0, 1 / 3, 0])
    assert found["like_met"] == pytest.approx([0.5, (1 / 3 + 2 / 3) / 2, 0])
    assert found["like_chosen"] == pytest.approx([1, 2 / 3, 0])
    assert found["like_text_last"] == pytest.approx([0, 0.8, 0])
    assert found["like_text_met"] == pytest.approx([0.5, 0.7, 0])
    assert found["properties"] == pytest.approx([math.log(3), math.log(4), 0])


def test_an_item_is_not_compared_with_itself() -> None:
    found = columns([0, 1], (0, 10.0))
    assert (found["like_last"][0], found["like_text_met"][0]) == (0, 0)
    assert found["like_last"][1] == pytest.approx(2 / 3)
    assert columns([0, 1], (1, 20.0), (0, 10.0))["like_met"] == pytest.approx([2 / 3, 2 / 3])


def test_what_the_others_of_the_list_have() -> None:
    found = columns([0, 1, 2, 3])
    assert found["like_list"] == pytest.approx([0.5, 0.5, 0.5, 0])
    assert columns([0, 3])["like_list"] == pytest.approx([0.5, 0])


def test_without_a_session_or_content_there_is_nothing_to_compare() -> None:
    found = columns([0, 1])
    assert all(found[name] == [0, 0] for name in LIKENESS[:3] + LIKENESS[4:7])
    assert columns([3], (3, 5.0)) == {name: [0.0] for name in LIKENESS}
