"""What a lesson says: the choices that the user made among the places of a slate.

Rules, each counted under its name where it keeps something from being a choice:
- A place that was answered well is chosen, in the order of the first such answers; each is chosen among those
  that were not chosen before. A place that was answered badly is chosen as the worst of what is then left.
- What the user said last of a place in so many words (`Meanings.said`) holds, whatever came before or after:
  who clicks and then dislikes dislikes; a click after a dislike takes nothing back. Without such words the
  last action that says anything holds.
- A low rating of what was not opened on this slate is no choice ("neither"): who rates it met it elsewhere.
  The model's rating head and aversion hear it; that the slate was wrong to show the item it does not say, for
  they had chosen it all the same. Beside any other action it is such a word.
- An action counts as much as it counts elsewhere (`actions.NAME.counts`); a bad one as far as it says that
  the user disliked it (`actions.NAME.liking`). Several choices of a slate count less each, the fewer places
  were not chosen, whether those choices count or not: who clicks everything chooses nothing ("all"), and says
  nothing of whether the slate was good. All of them count `WEIGHT_MAX` at most.
- "neither": an action that says neither good nor bad is no choice, nor is such a rating.
- "unnamed": no impression of the slate names the place. It is there because its item was answered, so it
  would be chosen always, and every order that has it further up would look the better one.
- "featureless": nothing is known of the place (it was filled in later, or shown beyond the kept places), or
  its item has taught enough in this hour.
- "many": a slate has `CHOICES_MAX` choices at most; the first ones count.
- "alone": the place was the last one that was left, so there was nothing to choose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.actions import CODES
from model.schema import HIGHEST_RATING, LOWEST_RATING
from streams.learning.lesson import LessonAnswer
from streams.state.action_meaning import Meanings

CHOICES_MAX = 8
WEIGHT_MAX = 2.0
STRONG_LIKING = 2.0
"""So much dislike, in stars, counts as one choice."""
NOT_CHOICES = ("neither", "unnamed", "featureless", "many", "alone", "all")


class Choice(NamedTuple):
    """`sign`: 1 for the best of what was left, -1 for the worst."""

    place: int
    sign: int
    weight: float


class Choices(NamedTuple):
    """`drawn`: 1 where the slate drew a good answer, 0 where it did not, NaN where nothing says so.
    `left_out`: what is no choice, by reason (of `NOT_CHOICES`).
    """

    made: Sequence[Choice]
    drawn: float
    left_out: dict[str, int]


SILENCE = Choices((), 0.0, {})


class ChoiceRules:
    """The meanings of actions as this reads them."""

    def __init__(self, meanings: Meanings) -> None:
        self.meanings = meanings
        codes = range(CODES)
        self._review = meanings.codes["review"]
        self._said = [meanings.said(code, math.nan) for code in codes]
        self._says = meanings.says.tolist()
        self._good = [min(meanings.weight(code, math.nan), WEIGHT_MAX) for code in codes]
        disliking = [-float(liking) / STRONG_LIKING for liking in meanings.liking]
        self._bad = [min(each, WEIGHT_MAX) if each > 0 else 1.0 for each in disliking]

    def choices(
        self, answers: Sequence[LessonAnswer], known: NDArray[np.bool_], count: int, seen: int | None = None
    ) -> Choices:
        """The choices that `answers` are, of a slate of which `known` [n], `count` places, may be chosen. Its
        first `seen` places were shown, None for all.
        """
        if not answers:
            return SILENCE
        good: list[Choice] = []
        bad: list[Choice] = []
        left_out: dict[str, int] = {}
        for place, told in _by_place(answers).items():
            choice = self._choice(place, told)
            if choice is None:
                left_out["neither"] = left_out.get("neither", 0) + 1
            elif not known[place]:
                reason = "featureless" if seen is None or place < seen else "unnamed"
                left_out[reason] = left_out.get(reason, 0) + 1
            else:
                (good if choice.sign > 0 else bad).append(choice)
        if count > 2 and len(good) == 1 and not bad and good[0].weight <= WEIGHT_MAX:
            return Choices(good, 1.0, left_out)  # as what follows would give, which takes longer
        good_part, bad_part = _picky(len(good), count), _picky(len(bad), count)
        if not good_part or not bad_part:
            left_out["all"] = len(good) + len(bad)
            return Choices((), math.nan, left_out)
        made = [each._replace(weight=good_part * each.weight) for each in good]
        made += [each._replace(weight=bad_part * each.weight) for each in bad]
        alone = len(made) - (count - 1)
        if alone > 0:
            left_out["alone"] = alone
            made = made[:-alone]
        if len(made) > CHOICES_MAX:
            left_out["many"] = len(made) - CHOICES_MAX
            made = made[:CHOICES_MAX]
        return Choices(_bounded(made), 1.0 if good else 0.0 if bad else math.nan, left_out)

    def _choice(self, place: int, told: Sequence[LessonAnswer]) -> Choice | None:
        """What all that was done with a place comes to; None where it says neither."""
        sign, weight, in_words, opened = 0, 0.0, False, False
        for _, action, value, _ in told:
            if not 0 <= action < CODES:
                continue
            opened = opened or action != self._review
            said, says = self._said[action], self._says[action]
            if action == self._review and LOWEST_RATING <= value <= HIGHEST_RATING:
                said = self.meanings.said(action, value)
                says = said or says
            if said:
                if said != sign:
                    weight = 0.0
                sign, in_words = said, True
            elif not in_words and says:
                if says != sign:
                    weight = 0.0
                sign = says
            if sign == (said or says):
                weight = max(weight, self._good[action] if sign > 0 else self._bad[action])
        if sign < 0 and not opened:
            return None
        return Choice(place, sign, weight) if sign and weight > 0 else None


def _picky(chosen: int, count: int) -> float:
    """What each choice says where so many of `count` places were chosen alike: 1 for one, 0 for all."""
    return 1.0 - max(chosen - 1, 0) / (count - 1)


def _bounded(made: list[Choice]) -> Sequence[Choice]:
    """All of them count `WEIGHT_MAX` at most."""
    total = math.fsum(each.weight for each in made)  # `sum` rounds otherwise since Python 3.12
    if total <= WEIGHT_MAX:
        return made
    return [each._replace(weight=WEIGHT_MAX / total * each.weight) for each in made]


def _by_place(answers: Sequence[LessonAnswer]) -> dict[int, Sequence[LessonAnswer]]:
    """The answers to each place, oldest first; places in the order of their first answers."""
    if len(answers) == 1:
        return {answers[0].place: answers}
    by_place: dict[int, list[LessonAnswer]] = {}
    for answer in sorted(answers, key=_delay):
        by_place.setdefault(answer.place, []).append(answer)
    return {**by_place}


def _delay(answer: LessonAnswer) -> int:
    return answer.delay_ms
