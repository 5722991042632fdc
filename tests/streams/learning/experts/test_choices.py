from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions import code_of
from streams.learning.experts.choices import CHOICES_MAX, WEIGHT_MAX, ChoiceRules, Choices
from streams.learning.lesson import LessonAnswer
from streams.state.action_meaning import BUILT_IN, ActionSettings, Meanings
from tests.streams.learning.experts.streams_of_choices import CLICK, DISLIKE, REVIEW, SKIP, did

VIEW, PURCHASE, LIKE = 0, 3, 5


def choices(answers: Sequence[LessonAnswer], places: int = 6, unknown: Sequence[int] = ()) -> Choices:
    known = np.ones(places, np.bool_)
    known[list(unknown)] = False
    return ChoiceRules(BUILT_IN).choices(answers, known, int(known.sum()))


def test_silence_chooses_nothing_and_says_so() -> None:
    assert choices([]) == ((), 0.0, {})


def test_several_clicks_are_choices_in_the_order_of_time() -> None:
    made = choices([did(4, delay_ms=30), did(1, delay_ms=10), did(2, delay_ms=20)]).made
    assert [(each.place, each.sign) for each in made] == [(1, 1), (2, 1), (4, 1)]


def test_who_clicks_much_chooses_little() -> None:
    weights = [
        sum(each.weight for each in choices([did(n, delay_ms=n) for n in range(clicks)], places=9).made)
        for clicks in (1, 2, 8)
    ]
    assert weights == pytest.approx([1.0, 2 * 7 / 8, 1.0])


@pytest.mark.parametrize("action", [CLICK, DISLIKE])
@pytest.mark.parametrize("places", [2, 6, CHOICES_MAX, 30])
def test_who_clicks_everything_chooses_nothing(action: int, places: int) -> None:
    made, drawn, left_out = choices([did(n, action, delay_ms=n) for n in range(places)], places)
    assert (list(made), left_out) == ([], {"all": places})
    assert math.isnan(drawn)


def test_a_choice_between_good_and_bad_is_one_though_nothing_is_left_out() -> None:
    told = [did(n, CLICK if n % 2 else DISLIKE, delay_ms=n) for n in range(4)]
    made, drawn, left_out = choices(told, places=4)
    assert [(each.place, each.sign) for each in made] == [(1, 1), (3, 1), (0, -1)]
    assert all(each.weight == pytest.approx(2 / 3) for each in made)
    assert (drawn, left_out) == (1.0, {"alone": 1})


def test_what_is_cut_of_a_flood_weighs_against_the_rest() -> None:
    made = choices([did(n, delay_ms=n) for n in range(29)], places=30).made
    assert sum(each.weight for each in made) == pytest.approx(CHOICES_MAX / 29)


def test_a_click_and_a_purchase_of_one_place_are_one_choice() -> None:
    (choice,) = choices([did(2, VIEW, delay_ms=1), did(2, PURCHASE, delay_ms=2)]).made
    assert choice == (2, 1, 1.0)


def test_what_is_only_viewed_counts_less() -> None:
    (choice,) = choices([did(2, VIEW)]).made
    assert choice[:2] == (2, 1)
    assert choice.weight == pytest.approx(0.2)


def test_what_is_disliked_is_the_worst_of_what_is_left() -> None:
    made, drawn, _ = choices([did(0, DISLIKE, delay_ms=1), did(3, delay_ms=2), did(1, SKIP, delay_ms=3)])
    assert [(each.place, each.sign) for each in made] == [(3, 1), (0, -1), (1, -1)]
    assert made[1].weight == pytest.approx(2 * made[2].weight)
    assert drawn == 1.0


def test_only_bad_answers_draw_nothing() -> None:
    assert choices([did(0, SKIP)]).drawn == 0.0


@pytest.mark.parametrize(
    ("told", "sign"),
    [
        ((CLICK, DISLIKE), -1),
        ((DISLIKE, CLICK), -1),  # a click takes nothing back that was said in so many words
        ((DISLIKE, LIKE), 1),
        ((LIKE, DISLIKE), -1),
        ((CLICK, SKIP), -1),
        ((LIKE, CLICK), 1),
        ((CLICK, CLICK), 1),
    ],
)
def test_the_last_word_counts(told: tuple[int, ...], sign: int) -> None:
    (choice,) = choices([did(2, action, delay_ms=n) for n, action in enumerate(told)]).made
    assert (choice.place, choice.sign) == (2, sign)


@pytest.mark.parametrize(
    ("stars", "sign"), [(1.0, -1), (2.0, -1), (3.0, 1), (5.0, 1), (math.nan, 1), (0.0, 1), (-3e38, 1)]
)
def test_a_low_rating_is_a_dislike(stars: float, sign: int) -> None:
    (choice,) = choices([did(1, CLICK, delay_ms=1), did(1, REVIEW, stars, delay_ms=2)]).made
    assert choice.sign == sign


def test_a_low_rating_of_what_was_not_opened_is_no_choice() -> None:
    made, drawn, left_out = choices([did(1, REVIEW, 1.0), did(2, REVIEW, 5.0, delay_ms=2)])
    assert ([each.place for each in made], drawn, left_out) == ([2], 1.0, {"neither": 1})
    alone = choices([did(1, REVIEW, 1.0)])
    assert (list(alone.made), math.isnan(alone.drawn)) == ([], True)


def test_the_value_of_a_click_is_no_rating() -> None:
    (choice,) = choices([did(1, CLICK, 1.0)]).made
    assert choice.sign == 1


def test_what_says_neither_is_no_choice_and_is_counted() -> None:
    meanings = Meanings({"pause": ActionSettings(says="neither"), "free": ActionSettings(counts=0.0)})
    rules, known = ChoiceRules(meanings), np.ones(4, np.bool_)
    for name in ("pause", "free"):
        made = rules.choices([did(1, code_of(name))], known, 4)
        assert (list(made.made), made.left_out) == ([], {"neither": 1})
        assert math.isnan(made.drawn)


def test_an_action_of_the_apps_own_counts_as_it_says_within_bounds() -> None:
    told = {"buy_all": ActionSettings(counts=900.0), "bad": ActionSettings(says="negative")}
    made = ChoiceRules(Meanings(told)).choices(
        [did(1, code_of("buy_all")), did(2, code_of("bad"))], np.ones(5, np.bool_), 5
    )
    (bought, bad) = made.made
    assert (bought.place, bad.place) == (1, 2)
    assert bought.weight == pytest.approx(2 * bad.weight)
    assert bought.weight + bad.weight == pytest.approx(WEIGHT_MAX)


def test_a_place_of_which_nothing_is_known_is_no_choice() -> None:
    made, drawn, left_out = choices([did(1), did(2)], unknown=[1])
    assert [each.place for each in made] == [2]
    assert left_out == {"featureless": 1}
    assert drawn == 1.0


def test_a_place_that_no_impression_names_is_no_choice() -> None:
    """It would be chosen always: it is there because it was answered."""
    known = np.array([True, True, True, False])
    made, drawn, left_out = ChoiceRules(BUILT_IN).choices([did(3)], known, 3, seen=3)
    assert (list(made), left_out) == ([], {"unnamed": 1})
    assert math.isnan(drawn)


def test_the_last_place_that_is_left_was_not_chosen() -> None:
    made, _, left_out = choices([*(did(n, delay_ms=n) for n in range(2)), did(2, DISLIKE)], places=3)
    assert ([each.place for each in made], left_out) == ([0, 1], {"alone": 1})


def test_a_flood_of_clicks_is_cut() -> None:
    made, _, left_out = choices([did(n, delay_ms=n) for n in range(20)], places=30)
    assert [each.place for each in made] == list(range(CHOICES_MAX))
    assert left_out == {"many": 20 - CHOICES_MAX}


@given(
    st.lists(
        st.builds(did, st.integers(0, 9), st.integers(0, 255), st.floats(), st.integers(0, 99)), max_size=40
    ),
    st.lists(st.booleans(), min_size=10, max_size=10).filter(lambda known: sum(known) > 1),
)
def test_no_place_is_chosen_twice_and_all_answers_are_accounted_for(
    answers: list[LessonAnswer], known: list[bool]
) -> None:
    made, _, left_out = ChoiceRules(BUILT_IN).choices(answers, np.array(known), sum(known))
    places = [each.place for each in made]
    assert len(set(places)) == len(places) < sum(known)
    assert all(known[place] for place in places)
    assert all(0 < each.weight <= WEIGHT_MAX and each.sign in (-1, 1) for each in made)
    assert len(made) + sum(left_out.values()) == len({answer.place for answer in answers})
