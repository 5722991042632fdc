"""What the network learns to foretell, and from which events: the tasks, by configuration. No torch here.

    [model.tasks.purchase]
    loss = "binary"
    actions = ["purchase"]
    weight = 0.5

softmax   the item that was met among those that were not, at events of the task's actions; at an event that
          says that the user did not like the item, the others and not this one
binary    whether the event is one of the task's, given that the item was met
squared   the rating that came with the event
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from model.actions import LOW_RATING, NEGATIVE_ACTIONS, ActionName, code_of
from model.errors import SettingsError
from model.schema import F32

ALWAYS = ("click", "rating")


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One task. `actions`: its source events; () for every one. `rating_from`: a rating at least this high
    makes an event one of the task's (binary), whatever its action.

    `negatives`: the actions after which the item is a negative of the task; one that is among `actions` is
    none. `rating_to`: a rating of at most this makes the event a negative, too, whatever its action. Where
    they are None, a softmax task takes what says "negative" in the settings (`[actions.NAME]`,
    `ratings.negative_to`); to a binary one every event is a negative that is not its own.
    """

    loss: Literal["softmax", "binary", "squared"]
    weight: Annotated[float, Meta(ge=0)] = 1.0
    actions: tuple[ActionName, ...] = ()
    rating_from: Annotated[float, Meta(ge=1, le=5)] | None = None
    negatives: tuple[ActionName, ...] | None = None
    rating_to: Annotated[float, Meta(ge=0, le=5)] | None = None


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


def meant(
    tasks: Mapping[str, Task], actions: Collection[str], negatives: Collection[str], rating_to: float
) -> dict[str, Task]:
    """The tasks, the softmax ones with these actions and negatives where they name none of their own."""
    return {
        name: msgspec.structs.replace(
            task,
            actions=task.actions or tuple(actions),
            negatives=tuple(negatives) if task.negatives is None else task.negatives,
            rating_to=rating_to if task.rating_to is None else task.rating_to,
        )
        if task.loss == "softmax"
        else task
        for name, task in tasks.items()
    }


def ratings_of(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The tasks that foretell a rating."""
    return tuple(name for name, task in tasks.items() if task.loss == "squared")


def disliked(task: Task, action: NDArray[np.uint8], rating: F32) -> NDArray[np.bool_]:
    """Which events are negatives of the task, bool [n]."""
    names, low = task.negatives, task.rating_to
    if task.loss == "softmax":
        names = NEGATIVE_ACTIONS if names is None else names
        low = LOW_RATING if low is None else low
    codes = [code_of(name) for name in names or () if name not in task.actions]
    low = -np.inf if low is None else low
    return np.isin(action, codes) | (np.nan_to_num(rating, nan=np.inf) <= low)


def labels(task: Task, action: NDArray[np.uint8], rating: F32) -> F32:
    """What `task` is taught at each event, float32 [n]; NaN where the event teaches it nothing.

    softmax: 1 at its source events, 0 at its negatives. binary: 1 or 0 wherever that can be told. squared:
    the rating.
    """
    mine: NDArray[np.bool_] = np.isin(action, [code_of(each) for each in task.actions])
    if task.loss == "squared":
        return rating if not task.actions else np.where(mine, rating, np.float32(np.nan))
    bad = disliked(task, action, rating)
    if task.loss == "softmax":
        said = np.where(mine | (not task.actions), np.float32(1), np.float32(np.nan))
        return np.where(bad, np.float32(0), said)
    # A review says "like" by its rating alone; one without a rating says neither.
    mute = np.isin(action, [code_of("review")]) & ~mine
    said = np.where(mute, np.float32(np.nan), mine.astype(np.float32))
    if task.rating_from is not None:
        said = np.where(np.isnan(rating), said, np.maximum(np.nan_to_num(said), rating >= task.rating_from))
    return np.asarray(np.where(bad, np.float32(0), said), np.float32)


def teachable(tasks: Mapping[str, Task], action: NDArray[np.uint8], rating: F32) -> dict[str, Task]:
    """Those tasks that the events can teach: a binary one needs both answers, a softmax one a source event.
    Click and rating stay.
    """
    kept = {}
    for name, task in tasks.items():
        said = labels(task, action, rating)
        told = said[~np.isnan(said)]
        enough = {"squared": len(told) > 0, "softmax": bool((told > 0).any())}
        if name in ALWAYS or enough.get(task.loss, len(set(told.tolist())) > 1):
            kept[name] = task
    return kept


def names_of(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The names in the order of the rescorer's outputs."""
    return tuple(ordered(tasks))
