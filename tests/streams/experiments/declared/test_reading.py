"""A declaration is read whole, or refused with the place, what was expected, and what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.reading import read_experiment
from streams.experiments.declared.refusal import DeclarationError
from tests.streams.experiments.declarations import experiment, raw

MORE: dict[str, Any] = {
    "unit": "session",
    "layer": "ranking",
    "share": 0.5,
    "holdout": 0.1,
    "target": {"profile": {"country": ["NO", "SE"]}, "segments": ["light"], "surfaces": ["feed"]},
    "testers": {"ann": "arm1"},
    "starts": "2026-11-29T12:00:00Z",
    "ends": "2026-12-24T12:00:00+01:00",
    "guardrails": [{"metric": "dislikes", "worst": 0.1}],
    "window_days": 7,
    "reading": "group",
    "looks": 5,
}
ADAPTIVE: dict[str, Any] = {
    "allocation": "adaptive",
    "adaptive": {"every_hours": 6, "even": 2_000, "falls": 0.2, "least": 0.2},
}


def test_what_is_said_is_what_is_read_and_the_same_as_json() -> None:
    read = experiment("e", **MORE)
    assert (read.layer_of("e"), read.starts_ms, read.ends_ms - read.starts_ms) == (
        "ranking",
        1_795_953_600_000,
        (25 * 24 - 1) * 3_600_000,
    )
    assert read.metrics == ("click_through", "dislikes")
    assert read_experiment("e", msgspec.json.decode(msgspec.json.encode(read))) == read
    assert experiment("e").layer_of("e") == "e"


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "misspelt": ({"alpa": 0.1}, "alpa", "did you mean 'alpha'?"),
    "misspelt in an arm": (
        {"arms": {"a": {}, "b": {"wieght": 1}}, "control": "a"},
        "arms.b.wieght",
        "'weight'",
    ),
    "out of range": ({"alpha": 7}, "alpha", "<= 0.5"),
    "another type": ({"users": "many"}, "users", "`int`"),
    "not a number": ({"minimum_effect": float("nan")}, "minimum_effect", "a finite number"),
    "not a number in an arm": (
        {"arms": {"a": {}, "b": {"stages": {"feed": {"aversion": float("inf")}}}}, "control": "a"},
        "arms.b.stages.feed.aversion",
        "a finite number",
    ),
    "no such choice": ({"unit": "item"}, "unit", "'user', 'session'"),
    "no such segment": ({"target": {"segments": ["old"]}}, "target.segments", "'new', 'light', 'heavy'"),
    "no time": ({"starts": "2026-11-29"}, "starts", "2026-11-29T12:00:00Z"),
    "a time without its zone": ({"starts": "2026-11-29T12:00:00"}, "starts", "a time with its zone"),
    "over before it begins": (
        {"starts": "2026-11-29T12:00:00Z", "ends": "2026-11-29T12:00:00Z"},
        "ends",
        "a time after starts",
    ),
    "control is no arm": ({"control": "b"}, "control", "arm0, arm1"),
    "a tester of no arm": ({"testers": {"ann": "b"}}, "testers.ann", "arm0, arm1"),
    "one arm": ({"arms": {"a": {}}, "control": "a"}, "arms", "2 to 20"),
    "no table": ({"arms": ["a", "b"]}, "arms", "a table"),
    "an arm's name": ({"arms": {"A b": {}, "c": {}}, "control": "c"}, "arms.A b", "a name of at most 32"),
    "weight of nothing": ({"arms": {"a": {"weight": 0}, "b": {}}, "control": "b"}, "arms.a.weight", "> 0"),
    "more than the layer": ({"share": 0.8, "holdout": 0.3}, "share", "at most 0.7"),
    "looks without groups": ({"looks": 3}, "looks", "no looks"),
    "groups without looks": ({"reading": "group"}, "looks", "2 looks or more"),
    "a guardrail that is none": (
        {"guardrails": [{"metric": "m", "worst": 0}]},
        "guardrails.0.worst",
        "below 0",
    ),
    "a guardrail twice": (
        {"guardrails": [{"metric": "m", "worst": 0.1}, {"metric": "m", "worst": 0.2}]},
        "guardrails.1.metric",
        "one guardrail",
    ),
    "nothing to target": ({"target": {"profile": {"country": []}}}, "target.profile.country", ">= 1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_has_its_place(case: str) -> None:
    changed, place, said = WRONG[case]
    with pytest.raises(DeclarationError) as caught:
        read_experiment("e", raw() | changed)
    assert ".".join(caught.value.path) == f"experiments.e.{place}"
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["hypothesis", "arms", "control", "primary", "users", "minimum_effect"])
def test_what_must_be_said(name: str) -> None:
    declaration = raw()
    del declaration[name]
    with pytest.raises(DeclarationError, match=f"experiments.e.{name}: expected a value, got none"):
        read_experiment("e", declaration)


@pytest.mark.parametrize("name", ["", "A", "a b", "a=b", "a~2", "é", "x" * 33, "audit", "default", "a\n"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(DeclarationError, match="give it another name"):
        read_experiment(name, raw())


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
NAMES = st.sampled_from(ExperimentSettings.__struct_fields__)


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_anything_is_read_or_refused(changed: dict[str, Any]) -> None:
    try:
        read = read_experiment("e", raw() | changed)
    except DeclarationError:
        pass
    else:
        assert read_experiment("e", msgspec.json.decode(msgspec.json.encode(read))) == read


def test_weights_that_move_are_of_users_alike_at_first_and_read_at_any_time() -> None:
    assert experiment("e", **ADAPTIVE).adaptive.every_ms == 6 * 3_600_000
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"unit": "session"}, 'e.unit: expected "user"'),
        ({"reading": "group", "looks": 5}, 'e.reading: expected "sequential"'),
        ({"arms": {"a": {"weight": 2}, "b": {}}}, "e.arms: expected equal weights"),
        ({"allocation": "fixed"}, "e.adaptive: expected nothing"),
        ({"adaptive": {"falls": 0.25}}, "e.adaptive.falls: expected"),
        ({"adaptive": {"lest": 1}}, "did you mean 'least'"),
    )
    for more, said in cases:
        with pytest.raises(DeclarationError, match=said):
            experiment("e", **{"arms": 2, **ADAPTIVE, **more})
