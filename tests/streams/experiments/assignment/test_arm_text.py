"""The text of a slate's arms is read back as it was written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.assignment.arm_text import Served, key_of, name_of, served_by, text_of

NAMES = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,31}\Z")
SERVED = st.builds(Served, st.builds(key_of, NAMES, st.integers(1, 99)), NAMES, st.booleans())


@given(st.lists(SERVED, unique_by=lambda each: each.key))
def test_there_and_back_in_a_fixed_order(served: list[Served]) -> None:
    text = text_of(served, "default")
    assert text == text_of(reversed(served), "default")
    assert {*served_by(text)} == {*served}
    assert (text == "default") == (not served)


@given(NAMES, st.integers(1, 99))
def test_a_key_names_its_experiment(name: str, phase: int) -> None:
    assert name_of(key_of(name, phase)) == name


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(each.key and each.arm is not None for each in served_by(text))
