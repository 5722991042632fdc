"""Each rule of the join, by an example; and what holds for every order of events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.learning.join import ANSWERS, EARLY_MS, REVIEW, SHOWINGS, answered, bounded, closed, shown
from streams.learning.join import made as with_made
from streams.learning.kept_slates import ANSWERS_MAX, NEVER, PLACES_MAX, KeptSlate, Slates
from streams.learning.slate_ids import changed_id
from tests.streams.learning.slates import CLICK, PURCHASE, VIEW, WAIT_MS, answer, ids, made

T = 1_000_000


def rows(*of: int) -> list[int]:
    return list(of)


def one(slates: Slates) -> KeptSlate:
    (slate,) = slates
    return slate


S = (made("s", T, [1, 2, 3]),)


# Impressions


def test_an_impression_marks_what_was_really_shown() -> None:
    """Some of the slate was filtered, and its end filled up."""
    told = [0.5, 0.25, 1.0]
    step = shown(S, "s", T + 5, rows(3, 1, 9), told, arm="other", surface="home")
    slate = one(step.slates)
    assert (step.outcome, list(step.fresh)) == ("shown", [0, 1, 2])
    assert (slate.shown_ms, slate.shown, slate.surface) == (T + 5, (3, 1, 9), "home")
    assert list(slate.shown_as) == told
    assert slate.arm == "default", "the worker knows better by which arm it was made"
    assert slate.rows == (1, 2, 3)


def test_the_same_impression_again_marks_nothing() -> None:
    first = shown(S, "s", T + 5, rows(1, 2))
    for later_ms in (0, 1, 500):
        again = shown(first.slates, "s", T + 5 + later_ms, rows(1, 2))
        assert (again.outcome, list(again.fresh), again.slates) == ("again", [], first.slates)


def test_another_impression_of_a_slate_adds_what_it_had_not_shown() -> None:
    """A feed is read short, then long; the user has seen all of it, each item once."""
    first = shown(S, "s", T + 5, rows(1, 2), [0.5, 0.5])
    more = shown(first.slates, "s", T + 9, rows(1, 2, 3, 8))
    slate = one(more.slates)
    assert (more.outcome, list(more.fresh)) == ("more", [2, 3])
    assert (slate.shown_ms, slate.shown) == (T + 5, (1, 2, 3, 8))
    np.testing.assert_array_equal(slate.shown_as, [0.5, 0.5, np.nan, np.nan])


def test_an_item_twice_in_an_impression_counts_once() -> None:
    step = shown((), "own", T, rows(4, 4, 5, 4))
    assert (list(step.fresh), one(step.slates).shown) == ([0, 2], (4, 5))


def test_a_slate_of_the_apps_own_is_known_from_its_impression_on() -> None:
    step = shown((), "own", T, rows(4, 5), arm="b", model="theirs")
    slate = one(step.slates)
    assert (slate.slate_id, slate.ts, slate.arm, slate.model) == ("own", T, "b", "theirs")
    assert (slate.rows, slate.looks, slate.waits) == ((), b"", True)


def test_a_slate_that_was_changed_on_its_way_is_the_one_it_was_made_from() -> None:
    name = changed_id("s", ["b", "c"])
    step = shown(S, name, T + 5, rows(2, 3))
    assert ids(step.slates) == ["s"]
    assert answered(step.slates, name, answer(2, T + 6), WAIT_MS).outcome == "joined"
    assert answered(step.slates, "s", answer(2, T + 6), WAIT_MS).outcome == "joined"


def test_a_slate_has_no_more_places_than_one_impression_may_have() -> None:
    step = shown((), "own", T, range(PLACES_MAX - 1))
    more = shown(step.slates, "own", T + 1, rows(900, 901, 902))
    assert list(more.fresh) == [0]
    assert one(more.slates).shown[-1] == 900
    assert shown(more.slates, "own", T + 2, rows(903)).outcome == "full"


def test_an_impression_that_comes_after_its_slate_was_closed_is_late() -> None:
    slates = closed("u", shown(S, "s", T, rows(1, 2)).slates, T + WAIT_MS + 1, WAIT_MS).slates
    again = shown(slates, "s", T + WAIT_MS, rows(1, 2, 3))
    assert (again.outcome, list(again.fresh), again.slates) == ("late", [], slates)


def test_a_slate_that_is_shown_later_on_waits_anew_with_its_features() -> None:
    """The user comes back the next day, and nothing has changed their feed."""
    slates = closed("u", shown(S, "s", T, rows(1, 2)).slates, T + WAIT_MS + 1, WAIT_MS).slates
    again = shown(slates, "s", T + WAIT_MS + 1, rows(1, 2))
    assert (again.outcome, list(again.fresh)) == ("shown", [0, 1])
    (lesson,) = closed("u", again.slates, T + 3 * WAIT_MS, WAIT_MS).lessons
    assert lesson.features[:, 0].tolist() == [1.0, 2.0]


# Answers


def test_an_answer_is_joined_with_the_slate_that_it_names() -> None:
    slates = shown((*S, made("t", T + 1, [1, 2])), "s", T + 5, rows(1, 2)).slates
    slates = shown(slates, "t", T + 6, rows(1, 2)).slates
    joined = answered(slates, "s", answer(1, T + 9), WAIT_MS)
    assert joined.outcome == "joined"
    assert [len(slate.answers) for slate in joined.slates] == [1, 0]


def test_an_answer_that_names_none_is_joined_with_the_newest_that_shows_it() -> None:
    slates: Slates = (made("s", T, [1, 2]), made("t", T + 10, [2, 3]), made("never", T + 20, [1, 2, 3]))
    slates = shown(slates, "s", T + 5, rows(1, 2)).slates
    slates = shown(slates, "t", T + 15, rows(2, 3)).slates

    def came_from(row: int, ts: int) -> str:
        slate = answered(slates, None, answer(row, ts), WAIT_MS).slate
        return "" if slate is None else slate.slate_id

    assert came_from(2, T + 30) == "t"
    assert came_from(1, T + 30) == "s"
    assert came_from(2, T + 7) == "s", "at that time the newer one was not shown yet"
    assert came_from(9, T + 30) == ""
    assert came_from(2, T - EARLY_MS - 1) == "", "an answer does not come before its slate"


def test_a_slate_that_was_only_made_is_taken_where_none_was_shown() -> None:
    joined = answered(S, None, answer(2, T + 5), WAIT_MS)
    assert joined.outcome == "unshown"
    assert one(joined.slates).waits
    assert answered(S, None, answer(2, T + WAIT_MS + 1), WAIT_MS).outcome == "unattributed"
    assert answered(S, "s", answer(2, T + WAIT_MS + 1), WAIT_MS).outcome == "unshown", "it is named"


def test_the_impression_may_come_after_the_answer() -> None:
    slates = answered(S, "s", answer(2, T + 5), WAIT_MS).slates
    step = shown(slates, "s", T + 3, rows(1, 2))
    assert (step.outcome, list(step.fresh)) == ("shown", [0, 1])
    assert len(one(step.slates).answers) == 1


def test_the_same_action_again_is_the_same_answer() -> None:
    slates = shown(S, "s", T, rows(1, 2, 3)).slates
    slates = answered(slates, "s", answer(1, T + 5, value=2.0), WAIT_MS).slates
    for value, stands in ((float("nan"), 2.0), (1.0, 2.0), (7.0, 7.0)):
        again = answered(slates, "s", answer(1, T + 9, value=value), WAIT_MS)
        assert again.outcome == "repeated"
        ((_, _, kept, ts, _),) = one(again.slates).answers
        assert (kept, ts) == (stands, T + 5)


def test_a_number_stands_where_there_was_none() -> None:
    slates = answered(shown(S, "s", T, rows(1)).slates, "s", answer(1, T + 5), WAIT_MS).slates
    again = answered(slates, "s", answer(1, T + 6, value=3.0), WAIT_MS)
    assert one(again.slates).answers[0].value == 3.0


def test_a_slate_has_several_answers() -> None:
    slates = shown(S, "s", T, rows(1, 2, 3)).slates
    for row, action in ((1, CLICK), (2, CLICK), (1, PURCHASE)):
        joined = answered(slates, "s", answer(row, T + 5, action), WAIT_MS)
        assert joined.outcome == "joined"
        slates = joined.slates
    assert [(each.row, each.action) for each in one(slates).answers] == [(1, 1), (2, 1), (1, 3)]


def test_answers_are_bounded() -> None:
    many = range(ANSWERS_MAX + 5)
    slates = shown((), "own", T, many).slates
    outcomes: list[str] = []
    for row in many:
        step = answered(slates, "own", answer(row, T + 5), WAIT_MS)
        slates, outcomes = step.slates, [*outcomes, step.outcome]
    assert outcomes == ["joined"] * ANSWERS_MAX + ["full"] * 5
    assert len(one(slates).answers) == ANSWERS_MAX


def test_an_answer_to_a_slate_that_was_closed_is_late() -> None:
    slates = closed("u", shown(S, "s", T, rows(1)).slates, T + WAIT_MS + 1, WAIT_MS).slates
    for ts in (T + 5, T + WAIT_MS + 1):
        late = answered(slates, "s", answer(1, ts), WAIT_MS)
        assert (late.outcome, late.slates) == ("late", slates)
    assert answered(slates, None, answer(1, T + 5), WAIT_MS).outcome == "unattributed"


@pytest.mark.parametrize(("name", "row", "outcome"), [("s", 9, "absent"), ("x", 1, "unknown")])
def test_what_the_app_says_is_not_reinterpreted(name: str, row: int, outcome: str) -> None:
    """Another slate shows both items."""
    slates = shown((*S, made("t", T, [1, 9])), "t", T, rows(1, 9)).slates
    step = answered(slates, name, answer(row, T + 5), WAIT_MS)
    assert (step.outcome, step.slates) == (outcome, slates)


def test_an_item_that_the_slate_had_and_the_impression_does_not_name_may_be_answered() -> None:
    slates = shown(S, "s", T, rows(1)).slates
    slates = answered(slates, "s", answer(3, T + 5), WAIT_MS).slates
    (lesson,) = closed("u", slates, T + WAIT_MS + 1, WAIT_MS).lessons
    assert (lesson.rows.tolist(), lesson.seen) == ([1, 3], 1)
    assert [(each.place, each.delay_ms) for each in lesson.answers] == [(1, 5)]
    assert answered(shown(S, "s", T, rows(1)).slates, None, answer(3, T + 5), WAIT_MS).slate is None


# Closing


def test_a_slate_is_closed_once_and_its_looks_stay() -> None:
    slates = shown(S, "s", T, rows(2, 1, 9)).slates
    assert closed("u", slates, T + WAIT_MS, WAIT_MS) == (slates, [])
    after, (lesson,) = closed("u", slates, T + WAIT_MS + 1, WAIT_MS)
    assert (lesson.kind, lesson.user, lesson.slate_id, lesson.model) == ("silent", "u", "s", "m")
    assert lesson.rows.tolist() == [2, 1, 9]
    assert lesson.features[:2].tolist() == [[2.0, 2.25, 2.5], [1.0, 1.25, 1.5]]
    assert np.isnan(lesson.features[2]).all(), "it was filled in later"
    assert one(after).closed_ms == T + WAIT_MS
    assert one(after).looks == S[0].looks
    assert closed("u", after, T + 9 * WAIT_MS, WAIT_MS).lessons == []


def test_a_slate_that_was_never_shown_nor_answered_is_no_lesson() -> None:
    assert closed("u", S, T + 9 * WAIT_MS, WAIT_MS).lessons == []
    assert bounded("u", (*S, made("t", T + 1, [1]), made("v", T + 2, [1])), 1, 10_000).lessons == []


def test_what_falls_off_is_closed() -> None:
    slates = shown(S, "s", T, rows(1, 2)).slates
    slates = answered(slates, "s", answer(2, T + 7, VIEW, 3.0), WAIT_MS).slates
    slates = shown(slates, "own", T + 9, rows(5)).slates
    kept, (lesson,) = bounded("u", slates, 1, 10_000)
    assert ids(kept) == ["own"]
    assert (lesson.kind, lesson.answers[0]) == ("answered", (1, VIEW, 3.0, 7))


def test_a_slate_that_is_made_again_takes_the_place_of_the_first() -> None:
    assert ids(with_made(S, made("s", T + 1, [4]))) == ["s"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["made", "shown", "answered", "closed"]),
        st.sampled_from(["s", "t", "own", "s~1"]),
        st.integers(0, 4 * WAIT_MS),
        st.lists(st.integers(0, 5), min_size=1, max_size=5),
    ),
    max_size=40,
)


@given(steps, st.integers(1, 4), st.integers(300, 3_000))
def test_every_showing_becomes_one_lesson_at_most(
    events: list[tuple[str, str, int, list[int]]], most: int, most_bytes: int
) -> None:
    """In any order, late or not: as many lessons as slates that began to wait, less those that still do."""
    slates: Slates = ()
    began = lessons = 0
    for kind, name, ts, of in events:
        before = sum(slate.waits for slate in slates)
        if kind == "made":
            if any(slate.slate_id == name and slate.waits for slate in slates):
                continue  # an id names one slate
            slates = with_made(slates, made(name, ts, sorted(set(of))))
        elif kind == "shown":
            step = shown(slates, name, ts, rows(*of))
            assert step.outcome in SHOWINGS
            assert bool(len(step.fresh)) == (step.outcome in ("shown", "more"))
            slates = step.slates
        elif kind == "answered":
            joined = answered(slates, name if ts % 2 else None, answer(of[0], ts), WAIT_MS)
            assert joined.outcome in ANSWERS
            slates = joined.slates
        began += sum(slate.waits for slate in slates) - before
        told = (
            closed("u", slates, ts, WAIT_MS) if kind == "closed" else bounded("u", slates, most, most_bytes)
        )
        slates, lessons = told.slates, lessons + len(told.lessons)
        if kind != "closed":
            assert len(slates) <= most
            assert sum(slate.size for slate in slates) <= most_bytes
        assert all(slate.waits or slate.shown_ms == NEVER for slate in slates)
    assert began == lessons + sum(slate.waits for slate in slates)


def test_of_reviews_the_newest_rating_stands() -> None:
    slates = shown(S, "s", T, rows(1, 2)).slates
    stands = []
    for ts, stars in ((5, 5.0), (9, 1.0), (10, float("nan")), (3, 4.0)):
        joined = answered(slates, "s", answer(1, T + ts, REVIEW, stars), WAIT_MS)
        slates = joined.slates
        stands.append(one(slates).answers[0].value)
    assert stands == [5.0, 1.0, 1.0, 1.0]
