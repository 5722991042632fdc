"""What each event teaches each task."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from model.actions import ACTIONS
from model.errors import SettingsError
from model.schema import F32
from model.tasks import Task, default_tasks, labels, names_of, ordered, teachable

NAN = math.nan
EVENTS: tuple[tuple[str, float], ...] = (
    ("click", NAN),
    ("purchase", NAN),
    ("like", NAN),
    ("review", 5.0),
    ("review", 4.0),
    ("review", 2.0),
    ("review", NAN),
    ("skip", NAN),
)


def events(*chosen: int) -> tuple[NDArray[np.uint8], F32]:
    """The codes and ratings of `EVENTS`, or of those chosen."""
    picked = [EVENTS[k] for k in chosen] if chosen else EVENTS
    actions = np.array([ACTIONS.index(action) for action, _ in picked], np.uint8)
    return actions, np.array([rating for _, rating in picked], np.float32)


CASES: dict[str, tuple[Task, list[float]]] = {
    "every event clicks but what was not liked": (Task("softmax"), [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0]),
    "none is a negative": (Task("softmax", negatives=(), rating_to=0.0), [1.0] * 8),
    "a negative that is the task's own": (
        Task("softmax", actions=("skip",), rating_to=0.0),
        [*[NAN] * 7, 1.0],
    ),
    "purchases among others": (
        Task("softmax", actions=("purchase",)),
        [NAN, 1.0, NAN, NAN, NAN, 0.0, NAN, 0.0],
    ),
    "purchased, by its own negatives": (
        Task("binary", actions=("purchase",), negatives=("review",)),
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    "purchased, by a low rating": (
        Task("binary", actions=("purchase",), rating_to=2.0),
        [0.0, 1.0, 0.0, NAN, NAN, 0.0, NAN, 0.0],
    ),
    "the rating that came": (Task("squared"), [NAN, NAN, NAN, 5.0, 4.0, 2.0, NAN, NAN]),
    "the rating of purchases": (Task("squared", actions=("purchase",)), [NAN] * 8),
    # A review without a rating says nothing; all others that are no purchase say no.
    "purchased": (Task("binary", actions=("purchase",)), [0.0, 1.0, 0.0, NAN, NAN, NAN, NAN, 0.0]),
    "liked": (
        Task("binary", actions=("like",), rating_from=4.0),
        [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, NAN, 0.0],
    ),
    "reviewed": (Task("binary", actions=("review",)), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
    "rated highly": (Task("binary", rating_from=5.0), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, NAN, 0.0]),
}


@pytest.mark.parametrize("name", CASES)
def test_labels_by_hand(name: str) -> None:
    task, expected = CASES[name]
    found = labels(task, *events())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_click_and_rating_are_always_there_and_come_first() -> None:
    given = {"buy": Task("binary", actions=("purchase",)), "rating": Task("squared", weight=0.7)}
    assert list(ordered(given)) == ["click", "rating", "buy"] == list(names_of(given))
    assert ordered(given)["rating"].weight == 0.7
    assert ordered({})["click"] == default_tasks()["click"]


@pytest.mark.parametrize(("name", "loss"), [("click", "binary"), ("rating", "softmax")])
def test_click_and_rating_are_what_they_are(name: str, loss: str) -> None:
    tasks = {name: msgspec.convert({"loss": loss}, Task)}
    with pytest.raises(SettingsError, match=rf"model\.tasks\.{name}: loss is '{loss}'; expected"):
        ordered(tasks)


def test_a_task_that_no_event_can_teach_is_left_out() -> None:
    tasks = ordered(default_tasks() | {"buy": Task("binary", actions=("purchase",))})
    tasks |= {"bought": Task("softmax", actions=("purchase",))}
    assert set(teachable(tasks, *events())) == set(tasks)
    assert set(teachable(tasks, *events(0, 3, 5))) == {"click", "rating", "like"}  # nobody bought
    assert set(teachable(tasks, *events(3, 4))) == {"click", "rating"}  # everybody liked
    assert set(teachable(tasks, *events(1))) == {"click", "rating", "bought"}
    nothing = np.empty(0, np.uint8), np.empty(0, np.float32)
    assert set(teachable(tasks, *nothing)) == {"click", "rating"}


@pytest.mark.parametrize(
    "values", [{"loss": "hinge"}, {"loss": "binary", "actions": ["Bought!"]}, {"weight": 1}]
)
def test_a_task_of_another_shape_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, Task)
