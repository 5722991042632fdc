"""Opinions are cut out of texts and told to other processes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import StoreError
from streams.state.opinion import (
    LONGEST_CLAUSE,
    MOST_CLAUSES,
    TOPICS_MOST,
    Opinion,
    clauses_of,
    packed,
    rounded_opinion,
    unpacked,
)

SENTIMENTS = st.floats(-1, 1, allow_nan=False)
OPINIONS = st.builds(
    Opinion,
    SENTIMENTS,
    st.lists(st.tuples(st.integers(0, TOPICS_MOST - 1), SENTIMENTS), max_size=MOST_CLAUSES).map(tuple),
    st.sampled_from(["", "abc"]),
)


@given(OPINIONS)
def test_what_is_told_is_what_was_rounded(opinion: Opinion) -> None:
    told = unpacked(packed(opinion), opinion.by)
    assert told == rounded_opinion(opinion) == rounded_opinion(told)
    assert abs(told.sentiment - opinion.sentiment) <= 0.5 / 127 + 1e-9
    assert [topic for topic, _ in told.aspects] == [topic for topic, _ in opinion.aspects]


@pytest.mark.parametrize("raw", [b"", b"\x00\x01", bytes([0, TOPICS_MOST, 1]), bytes([0, 200, 1])])
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(StoreError, match="can't be read"):
        unpacked(raw)


@given(st.text(max_size=600))
def test_clauses_are_bounded_parts_of_the_text(text: str) -> None:
    clauses = clauses_of(text)
    assert len(clauses) <= MOST_CLAUSES
    for clause in clauses:
        assert " ".join(clause.split()) in " ".join(text.split())
        assert 0 < len(clause) <= LONGEST_CLAUSE


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("The tone is warm, however the strap slips! Meh.", ["The tone is warm", "the strap slips!"]),
        ("音色很好，做工精细。不过价格有点贵！", ["音色很好", "做工精细", "不过价格有点贵"]),
        ("音質很好\n但是太貴了", ["音質很好", "但是太貴了"]),
        ("Ok.", []),
        ("", []),
    ],
)
def test_clauses(text: str, clauses: list[str]) -> None:
    assert clauses_of(text) == clauses


@pytest.mark.parametrize("blanks", [" ", "\n ", "\u3000"])
def test_a_long_run_of_blanks_costs_nothing(blanks: str) -> None:
    """It would take an hour if each of them were looked at from each other one."""
    found = clauses_of(f"The tone is great{200_000 * blanks}but the tuners slip")
    assert found[0] == "The tone is great"
