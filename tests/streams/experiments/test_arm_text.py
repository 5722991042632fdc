"""The arm of a slate as text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import SettingsError
from streams.events.schema import Impression
from streams.experiments.arm_text import MOST, NONE, arm_text, experiments_of

NAMES = st.from_regex(r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,15}\Z")


@given(st.dictionaries(NAMES, NAMES, max_size=5))
def test_a_text_gives_back_its_arms_in_a_fixed_order(arms: dict[str, str]) -> None:
    text = arm_text(arms.items())
    assert dict(experiments_of(text)) == arms
    assert text == arm_text(reversed(arms.items()))
    assert [name for name, _ in experiments_of(text)] == sorted(arms)


@given(st.text(max_size=300))
def test_whatever_an_app_sends_can_be_read(text: str) -> None:
    for experiment, arm in experiments_of(text):
        assert f"{experiment}={arm}" in text


def test_an_arm_of_no_experiment_names_none() -> None:
    assert arm_text([]) == NONE == Impression.__struct_defaults__[-3]
    assert experiments_of(NONE) == experiments_of("") == experiments_of("bold") == ()
    assert experiments_of("a=1,a=2,b=3") == (("a", "1"), ("b", "3"))


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a,b", ".a", "ä", "a" * 65, "a\n"])
def test_a_name_that_the_text_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="can't name an experiment"):
        arm_text([(name, "arm")])
    with pytest.raises(SettingsError, match="can't name an experiment"):
        arm_text([("experiment", name)])


def test_a_text_fits_the_field_of_an_event() -> None:
    with pytest.raises(SettingsError, match="shorten the names"):
        arm_text((f"experiment-{n}-{'x' * 40}", "arm") for n in range(5))
    with pytest.raises(SettingsError, match="expected one of each"):
        arm_text([("a", "1"), ("a", "2")])
    assert len(arm_text((f"e{n}", "a" * 45) for n in range(5))) <= MOST
