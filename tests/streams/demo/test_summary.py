from __future__ import annotations

from collections import Counter

import pytest

from streams.demo.summary import lines, problems
from streams.demo.tally import MODEL, POPULAR, Tally


def good() -> Tally:
    tally = Tally(reviews=90, clicks=10, feeds=100, modelled=99)
    tally.compared.update({MODEL: 60, POPULAR: 40})
    tally.rungs.update({"full": 99, "popular": 1})
    tally.hits.update({MODEL: 12, "popularity": 6, POPULAR: 4})
    return tally


def test_a_good_run_has_no_problems() -> None:
    assert problems(good(), applied=100, dead_letters=0) == []


@pytest.mark.parametrize(
    ("applied", "dead_letters", "errors", "modelled", "message"),
    [
        (99, 0, {}, 1, "100 accepted events, but the workers applied 99"),
        (100, 2, {}, 1, "2 dead letters"),
        (100, 0, {"POST: status 503": 3}, 1, "3 requests failed: POST: status 503"),
        (100, 0, {}, 0, "no feed of arm model came from the model"),
    ],
)
def test_whatever_went_wrong_is_said(
    applied: int, dead_letters: int, errors: dict[str, int], modelled: int, message: str
) -> None:
    tally = good()
    tally.errors, tally.modelled = Counter(errors), modelled
    (problem,) = problems(tally, applied, dead_letters)
    assert message in problem


def test_events_from_elsewhere_are_expected_of_the_workers_too() -> None:
    assert problems(good(), applied=103, dead_letters=0, others=3) == []
    assert "103 accepted events, but the workers applied 100" in problems(good(), 100, 0, others=3)[0]
    assert "3 events came from elsewhere" in "\n".join(lines(good(), 103, 0, 2.0, others=3))


def test_no_event_is_a_problem() -> None:
    assert "the gateway accepted no event" in problems(Tally(), 0, 0)


def test_the_summary_has_the_counts_and_the_hit_rates_by_arm() -> None:
    text = "\n".join(lines(good(), 100, 0, 2.0))
    assert "100 events in 2 s (90 reviews, 10 clicks); 100 applied, 0 dead letters, 0 errors" in text
    assert "HR@10 of served feeds, arm model: 0.200 ± 0.052 (12 of 60 events)" in text
    assert "HR@10 of popularity on the same events: 0.100 ± 0.039 (6 of 60 events)" in text
    assert "HR@10 of served feeds, arm popular: 0.100 ± 0.047 (4 of 40 events)" in text
    assert "full 99.0%, popular 1.0%" in text


def test_what_is_not_known_yet_is_no_number() -> None:
    assert "nan" not in "\n".join(lines(Tally(), 0, 0, 2.0))
