"""A metric as an expression: what it says is linear, and whatever else it is, it is refused."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.actions import code_of
from model.errors import SettingsError
from streams.experiments.metric_expression import PER_USER, Ratio, Terms, ratio_of
from streams.experiments.quantities import PLACES, SESSIONS, SLATES, USERS, VALUE

ACTIONS = ("click", "purchase", "play", "finish_chapter")
CLICK, PURCHASE = code_of("click"), code_of("purchase")
ONE = Fraction(1)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("count(click)", Ratio({CLICK: ONE}, PER_USER)),
        ("count(click) / places", Ratio({CLICK: ONE}, {PLACES: ONE})),
        (" sum(purchase)\n", Ratio({VALUE + PURCHASE: Fraction(1, 100)}, PER_USER)),
        (
            "(count(click) + 2*count(purchase)) / (sessions + .5*slates)",
            Ratio({CLICK: ONE, PURCHASE: Fraction(2)}, {SESSIONS: ONE, SLATES: Fraction(1, 2)}),
        ),
        ("count(click) / 3", Ratio({CLICK: Fraction(1, 3)}, PER_USER)),
        ("-count(click) - -count(click) + users", Ratio({CLICK: Fraction(0), USERS: ONE}, PER_USER)),
        ("1 / sessions", Ratio({USERS: ONE}, {SESSIONS: ONE})),
        ("(1 + 1) * count(click) * (3 - 1) / users", Ratio({CLICK: Fraction(4)}, PER_USER)),
        ("0.1 * count(finish_chapter)", Ratio({code_of("finish_chapter"): Fraction(1, 10)}, PER_USER)),
    ],
)
def test_what_expressions_say(text: str, ratio: Ratio) -> None:
    assert ratio_of(text, ACTIONS) == ratio


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "can't be read"),
        ("count(click) count(click)", "can't be read"),
        ("3", "is a number and counts nothing"),
        ("count(click) + 1", "adds a number to a quantity"),
        ("count(click) * places", "multiplies two quantities"),
        ("count(click) / places / users", "once, on the outside"),
        ("1 + places / slates", "once, on the outside"),
        ("count(click) / 0", "is divided by 0"),
        ("count(click) / (1 - 1)", "is divided by 0"),
        ("count('click')", "is not understood"),
        ("count(click, play)", "is not understood"),
        ("count(action=click)", "is not understood"),
        ("max(click)", "is not understood"),
        ("clicks", "is not understood"),
        ("places ** 2", "is not understood"),
        ("places if users else slates", "is not understood"),
        ("places < 3", "is not understood"),
        ("True * places", "is not understood"),
        ("1e10 * places", "out of range"),
        ("1e999 * places", "out of range"),
        ("places.real", "is not understood"),
        ("().__class__", "is not understood"),
        ("__import__('os').system('true')", "is not understood"),
        ("lambda: places", "is not understood"),
        ("[places for x in y]", "is not understood"),
        ("count(sale)", r"declare \[actions.sale\]"),
        ("+".join(["places"] * 100), "500 at most"),
        ("(" * 240 + "places" + ")" * 240, "can't be read"),
        ("-" * 490 + "places", ""),
        ("places\x00", "can't be read"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(text: str, why: str) -> None:
    if not why:  # deep, and allowed
        assert ratio_of(text, ACTIONS)
        return
    with pytest.raises(SettingsError, match=why):
        ratio_of(text, ACTIONS)


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(SettingsError):
        ratio_of(text, ACTIONS)


numbers = st.integers(1, 9).map(str) | st.decimals(0, 9, places=2).map(str)
quantities = st.sampled_from(["count(click)", "count(purchase)", "sum(play)", "places", "slates", "users"])
linear = st.recursive(
    quantities,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(numbers, inner).map(lambda t: f"{t[0]} * {t[1]}"),
        st.tuples(inner, st.integers(1, 9)).map(lambda t: f"({t[0]}) / {t[1]}"),
        inner.map(lambda text: f"-({text})"),
    ),
    max_leaves=6,
)


@given(linear, linear, st.dictionaries(st.sampled_from(["click", "purchase", "play"]), st.integers(0, 9)))
def test_an_expression_is_worth_what_it_is_in_python(above: str, below: str, did: dict[str, int]) -> None:
    """Numbers are read as decimals, so they are compared with a rounding's error."""
    values = {"places": 7, "slates": 3, "users": 1, "sessions": 2}
    names = {
        "count": lambda action: did.get(action, 0), "sum": lambda action: 10 * did.get(action, 0),
        "click": "click", "purchase": "purchase", "play": "play", **values,
    }  # fmt: skip
    amounts = {code_of(action): count for action, count in did.items()}
    amounts |= {VALUE + code_of(action): 1_000 * count for action, count in did.items()}
    amounts |= {PLACES: 7, SLATES: 3, USERS: 1, SESSIONS: 2}

    def worth(terms: Terms) -> float:
        return float(sum(weight * amounts.get(code, 0) for code, weight in terms.items()))

    try:
        ratio = ratio_of(f"({above}) / ({below})", ACTIONS)
    except SettingsError:
        return  # an inner division by a quantity
    assert worth(ratio.numerator) == pytest.approx(eval(above, {}, names), abs=1e-9)
    assert worth(ratio.denominator) == pytest.approx(eval(below, {}, names), abs=1e-9)
