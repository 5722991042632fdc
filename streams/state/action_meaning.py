"""What an action means: the settings of each action, and the same as tables by the actions' codes.

    [actions.skip]
    consumes = false

    [actions.finish_chapter]        # an app's own
    counts = 0.5
    says = "positive"

One rule for all: the fold, counters, sources, features and filters ask `Meanings`; training has its negatives
from here, too.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from model.actions import CODES, HIGH_RATING, LOW_RATING, ActionName, code_of
from model.compiled import compiled
from streams.events.schema import Click, Review
from streams.state.consumed import BLOCKED, EVERY_ACTION

Says = Literal["positive", "negative", "neither"]
SIGNS: dict[str, int] = {"negative": -1, "neither": 0, "positive": 1}


class ActionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one action means.

    `counts`: what it adds to popularity and pairs; an action that says "negative" adds nothing.
    `says`: whether its user liked the item. What is close to a "positive" one rises, what is close to a
    "negative" one falls; "neither" moves nothing, and teaches no task that does not name it.
    `liking`: how much they liked it, in stars above what was to be expected of them; 0: that is not known. A
    rating that came with the event says it better.
    `consumes`: the item counts as met, and does not come back, but for what `feed.repeat` lets come back.
    `blocks`: it never comes back, whatever `feed.repeat` says.
    `value`: how the event's `value` is read: seconds, a share from 0 to 1, or money. `least`: where the value
    is below it, the event counts as the action `less` instead. A value that can't be read so says nothing.
    """

    counts: Annotated[float, Meta(ge=0, le=1_000)] = 1.0  # counts enter the features as logarithms
    says: Says = "positive"
    liking: Annotated[float, Meta(ge=-4, le=4)] = 0.0
    consumes: bool = True
    blocks: bool = False
    value: Literal["none", "seconds", "share", "money"] = "none"
    least: Annotated[float, Meta(gt=0)] | None = None
    less: ActionName = "skip"


class RatingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stars say: "negative" up to `negative_to`, else "positive" from `positive_from` on. Between them
    an event says what its action says. `low_counts`: what a low rating adds to popularity and pairs, as a
    part of what the action does.
    """

    negative_to: Annotated[float, Meta(ge=0)] = LOW_RATING
    positive_from: Annotated[float, Meta(ge=1)] = HIGH_RATING
    low_counts: Annotated[float, Meta(ge=0, le=1)] = 0.5


def built_in() -> dict[ActionName, ActionSettings]:
    """What the built-in actions mean where the settings say nothing."""
    dislike = ActionSettings(counts=0.0, says="negative", liking=-2.0, blocks=True)
    return {
        "view": ActionSettings(counts=0.2),
        "click": ActionSettings(),
        "cart": ActionSettings(),
        "purchase": ActionSettings(value="money"),
        "play": ActionSettings(value="seconds"),
        "like": ActionSettings(liking=1.0),
        "skip": ActionSettings(counts=0.0, says="negative", liking=-1.0),
        "review": ActionSettings(),
        "dislike": dislike,
        "hide": dislike,
        "share": ActionSettings(liking=1.0),
        "bookmark": ActionSettings(liking=1.0),
        "follow": ActionSettings(liking=1.0),
        "report": dislike,
    }


class Meanings:
    """The settings as tables by code, each [CODES]: `counts` and `liking` float32, `says` int8 (-1, 0, 1).

    `blocking` and `always`: sets of actions as in `streams.state.consumed`: after which an item does not come
    back, and after which it never does. A code that no setting names (of an action that is no longer
    declared) says neither, adds nothing and counts as met.
    """

    def __init__(
        self,
        actions: Mapping[str, ActionSettings] | None = None,
        ratings: RatingSettings = RatingSettings(),
        repeat: bool | Collection[str] = False,
    ) -> None:
        self.settings: dict[str, ActionSettings] = {**built_in(), **(actions or {})}
        self.names = tuple(self.settings)
        self.codes = {name: code_of(name) for name in self.names}
        self.name_of = {code: name for name, code in self.codes.items()}
        self.low, self.high = np.float32(ratings.negative_to), np.float32(ratings.positive_from)
        self.low_counts = ratings.low_counts
        self.counts, self.liking = np.zeros(CODES, np.float32), np.zeros(CODES, np.float32)
        self.says = np.zeros(CODES, np.int8)
        for name, each in self.settings.items():
            code = self.codes[name]
            self.says[code] = SIGNS[each.says]
            self.counts[code] = 0.0 if each.says == "negative" else each.counts
            self.liking[code] = each.liking
        # Plain numbers of what is asked of one event at a time: numpy's own cost several times as much.
        self._counts: list[float] = self.counts.tolist()
        self._said: list[int] = np.where(self.says > 0, self.liking > 0, self.says).tolist()
        self._dislike = self.codes["dislike"]
        self.always = _set_of(code_of(name) for name, each in self.settings.items() if each.blocks)
        self.always |= 1 << BLOCKED
        self.blocking = self._blocking(repeat)

    def repeating(self, repeat: bool | Collection[str]) -> Meanings:
        """The same with another `feed.repeat`."""
        other = copy(self)
        other.blocking = self._blocking(repeat)
        return other

    def saying(self, says: Says) -> tuple[str, ...]:
        """The actions that say this."""
        return tuple(name for name, each in self.settings.items() if each.says == says)

    def code(self, event: Click | Review) -> int:
        """The code of what the user did, as its `value` tells it."""
        if isinstance(event, Review):
            return self.codes["review"]
        code = self.codes.get(event.action)
        if code is None:  # accepted under other settings
            return code_of(event.action)
        meant = self.settings[event.action]
        if meant.least is None or event.value is None or not _readable(event.value, meant.value):
            return code
        return self.codes[meant.less] if event.value < meant.least else code

    def weight(self, code: int, rating: float) -> float:
        """What an event adds to popularity and pairs."""
        return self._counts[code] * (self.low_counts if rating <= self.low else 1.0)

    def said(self, code: int, rating: float) -> int:
        """What an event says of the item in so many words, -1 or 1; 0 where it does not: that somebody
        clicked is a weaker sign than that they liked.
        """
        if not math.isnan(rating):
            return -1 if rating <= self.low else int(rating >= self.high)
        return self._said[code]

    def sign(self, code: int, rating: float) -> int:
        """What an event by itself says of its item, -1, 0 or 1: as `signs` has it of a history of one."""
        if rating <= self.low:
            return -1
        return 1 if rating >= self.high else int(self.says[code])

    def kept_as(self, code: int, rating: float) -> int:
        """The action under which the item counts as met: a low rating is a dislike."""
        return self._dislike if rating <= self.low else code

    def signs(
        self, items: NDArray[np.int32], actions: NDArray[np.uint8], ratings: NDArray[np.float32]
    ) -> NDArray[np.int8] | None:
        """For each event of a history, oldest first, -1, 0 or 1: what the user says of its item. What they
        said last in so many words (`said`) holds for all events of the item. None where all are 1.
        """
        signs = np.empty(len(items), np.int8)
        # Copies, since memory that is read-only or reversed would have the loop compiled once more for it.
        mixed = fill_signs(
            items[::-1].copy(), actions[::-1].copy(), ratings[::-1].copy(),
            self.says, self.liking, self.low, self.high, signs,
        )  # fmt: skip
        return signs[::-1] if mixed else None

    def _blocking(self, repeat: bool | Collection[str]) -> int:
        """The actions after which an item may not come back; `repeat` as in `feed.repeat`."""
        if repeat is True:
            return self.always
        free = _set_of(code_of(name) for name, each in self.settings.items() if not each.consumes)
        named = () if repeat is False else repeat
        return EVERY_ACTION & ~free & ~_set_of(map(code_of, named)) | self.always


def _set_of(codes: Iterable[int]) -> int:
    return sum(1 << code for code in set(codes))


def _readable(value: float, kind: str) -> bool:
    return kind != "none" and value >= 0 and (kind != "share" or value <= 1)


@compiled
def fill_signs(
    items: NDArray[np.int32],
    actions: NDArray[np.uint8],
    ratings: NDArray[np.float32],
    says: NDArray[np.int8],
    liking: NDArray[np.float32],
    low: np.float32,
    high: np.float32,
    signs: NDArray[np.int8],
) -> bool:
    """Fill `signs` of a history, newest first, as `Meanings.signs` says; whether any is not 1."""
    n, mixed = len(items), False
    for k in range(n):
        sign = says[actions[k]]
        if ratings[k] <= low:
            sign = np.int8(-1)
        elif ratings[k] >= high:
            sign = np.int8(1)
        signs[k] = sign
        mixed |= sign != 1
    if not mixed:
        return False
    mixed, settled = False, np.zeros(n, np.bool_)
    for k in range(n):
        if settled[k]:
            continue
        rated = ratings[k] == ratings[k]
        if signs[k] < 0 or (signs[k] > 0 and (ratings[k] >= high or (not rated and liking[actions[k]] > 0))):
            for other in range(k, n):
                if items[other] == items[k]:
                    settled[other], signs[other] = True, signs[k]
            for other in range(k):
                if items[other] == items[k] and not settled[other]:
                    signs[other] = signs[k]
    for k in range(n):
        mixed |= signs[k] != 1
    return mixed


BUILT_IN = Meanings()
