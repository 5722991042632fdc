"""What a lesson says: the choices that the user made among the places of a slate.

Rules, each counted under its name where it keeps something from being a choice:
- A place that was answered well is chosen, in the order of the first such answers; each is chosen among those
  that were not chosen before. A place that was answered badly is chosen as the worst of what is then left.
- What the user said last of a place in so many words (`Meanings.said`) holds, whatever came before or after:
  who clicks and then dislikes dislikes; a click after a dislike takes nothing back. Without such words the
  last action that says anything holds.
- An action counts as much as it counts elsewhere (`actions.NAME.counts`), and `WEIGHT_MAX` at most; a bad one
  as far as it says that the user disliked it (`actions.NAME.liking`).
- "neither": an action that says neither good nor bad is no choice.
- "featureless": nothing is known of the place (it was filled in later, or shown beyond the kept places).
- "many": a slate has `CHOICES_MAX` choices at most; the first ones count.
- "alone": the place was the last one that was left, so there was nothing to choose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.learning.lesson import Answered
from streams.state.action_meaning import Meanings

CHOICES_MAX = 8
WEIGHT_MAX = 4.0
STRONG_LIKING = 2.0
"""So much dislike, in stars, counts as one choice."""
NOT_CHOICES = ("neither", "featureless", "many", "alone")


class Choice(NamedTuple):
    """`sign`: 1 for the best of what was left, -1 for the worst."""

    place: int
    sign: int
    weight: float


class Choices(NamedTuple):
    """`drawn`: whether the slate drew a good answer; None where nothing says so. `left_out`: what is no
    choice, by reason (of `NOT_CHOICES`).
    """

    made: Sequence[Choice]
    drawn: bool | None
    left_out: dict[str, int]


def choices_of(answers: Sequence[Answered], featured: NDArray[np.bool_], meanings: Meanings) -> Choices:
    """The choices that `answers` are, of a slate of which the places `featured` [n] are known."""
    if not answers:
        return Choices((), False, {})
    left_out: dict[str, int] = {}
    good: list[Choice] = []
    bad: list[Choice] = []
    neither = 0
    for place, told in _by_place(answers).items():
        choice = _choice(place, told, meanings)
        if choice is None:
            neither += 1
        elif not featured[place]:
            left_out["featureless"] = left_out.get("featureless", 0) + 1
        else:
            (good if choice.sign > 0 else bad).append(choice)
    made = [*good, *bad]
    if neither:
        left_out["neither"] = neither
    alone = len(made) - (int(np.count_nonzero(featured)) - 1)
    if alone > 0:
        left_out["alone"] = alone
        made = made[:-alone]
    if len(made) > CHOICES_MAX:
        left_out["many"] = len(made) - CHOICES_MAX
        made = made[:CHOICES_MAX]
    return Choices(made, True if good else False if bad else None, left_out)


def _by_place(answers: Sequence[Answered]) -> dict[int, list[Answered]]:
    """The answers to each place, oldest first; places in the order of their first answers."""
    by_place: dict[int, list[Answered]] = {}
    for answer in sorted(answers, key=_delay):
        by_place.setdefault(answer.place, []).append(answer)
    return by_place


def _delay(answer: Answered) -> int:
    return answer.delay_ms


def _choice(place: int, told: Sequence[Answered], meanings: Meanings) -> Choice | None:
    """What all that was done with a place comes to; None where it says neither."""
    sign, in_words = 0, False
    for answer in told:
        rating = _rating(answer, meanings)
        said = meanings.said(answer.action, rating)
        if said:
            sign, in_words = said, True
        elif not in_words and (says := int(meanings.says[answer.action])):
            sign = says
    if not sign:
        return None
    counted = [
        meanings.weight(answer.action, _rating(answer, meanings))
        if sign > 0
        else -float(meanings.liking[answer.action]) / STRONG_LIKING
        for answer in told
    ]
    # A low rating is a dislike by whatever action it came.
    least = 1.0 if sign < 0 and in_words and max(counted) <= 0 else 0.0
    weight = min(max(*counted, least), WEIGHT_MAX)
    return Choice(place, sign, weight) if weight > 0 else None


def _rating(answer: Answered, meanings: Meanings) -> float:
    """The stars of a review; NaN where there are none."""
    return answer.value if answer.action == meanings.codes["review"] else math.nan
