"""What the network learns to foretell, and from which events: the tasks, by configuration. No torch here.

    [model.tasks.purchase]
    loss = "binary"
    actions = ["purchase"]
    weight = 0.5

softmax   the item that was met among those that were not, at events of the task's actions
binary    whether the event is one of the task's, given that the item was met
squared   the rating that came with the event
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from model.errors import SettingsError
from model.schema import F32

ACTIONS = ("view", "click", "cart", "purchase", "play", "like", "skip", "review")
"""The codes of actions: places in this tuple."""

ActionName = Literal["view", "click", "cart", "purchase", "play", "like", "skip", "review"]
ALWAYS = ("click", "rating")


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One task. `actions`: its source events; () for every one. `rating_from`: a rating at least this high
    makes an event one of the task's (binary), whatever its action.
    """

    loss: Literal["softmax", "binary", "squared"]
    weight: Annotated[float, Meta(ge=0)] = 1.0
    actions: tuple[ActionName, ...] = ()
    rating_from: Annotated[float, Meta(ge=1, le=5)] | None = None


def default_tasks() -> dict[str, Task]:
    """Click, rating and like."""
    return {
        "click": Task("softmax"),
        "rating": Task("squared", weight=0.2),
        "like": Task("binary", weight=0.1, actions=("like",), rating_from=4.0),
    }


def ordered(tasks: Mapping[str, Task]) -> dict[str, Task]:
    """Click and rating first, as `model.schema` has it; `SettingsError` where one is something else."""
    defaults = default_tasks()
    both = {name: tasks.get(name, defaults[name]) for name in ALWAYS}
    for name, loss in zip(ALWAYS, ("softmax", "squared"), strict=True):
        if both[name].loss != loss:
            raise SettingsError(f"model.tasks.{name}: loss is {both[name].loss!r}; expected {loss!r}")
    return both | {name: task for name, task in tasks.items() if name not in ALWAYS}


def ratings_of(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The tasks that foretell a rating."""
    return tuple(name for name, task in tasks.items() if task.loss == "squared")


def labels(task: Task, action: NDArray[np.uint8], rating: F32) -> F32:
    """What `task` is taught at each event, float32 [n]; NaN where the event teaches it nothing.

    softmax: 1 at its source events. binary: 1 or 0 wherever that can be told. squared: the rating.
    """
    mine: NDArray[np.bool_] = np.isin(action, [ACTIONS.index(each) for each in task.actions])
    if task.loss == "squared":
        return rating if not task.actions else np.where(mine, rating, np.float32(np.nan))
    if task.loss == "softmax":
        return np.where(mine | (not task.actions), np.float32(1), np.float32(np.nan))
    # A review says "like" by its rating alone; one without a rating says neither.
    mute = np.isin(action, [ACTIONS.index("review")]) & ~mine
    said = np.where(mute, np.float32(np.nan), mine.astype(np.float32))
    if task.rating_from is not None:
        said = np.where(np.isnan(rating), said, np.maximum(np.nan_to_num(said), rating >= task.rating_from))
    return np.asarray(said, np.float32)


def teachable(tasks: Mapping[str, Task], action: NDArray[np.uint8], rating: F32) -> dict[str, Task]:
    """Those tasks that the events can teach: a binary one needs both answers. Click and rating stay."""
    kept = {}
    for name, task in tasks.items():
        said = labels(task, action, rating)
        told = said[~np.isnan(said)]
        if name in ALWAYS or (len(told) > 0 and (task.loss != "binary" or told.min() < told.max())):
            kept[name] = task
    return kept


def names_of(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The names in the order of the rescorer's outputs."""
    return tuple(ordered(tasks))
