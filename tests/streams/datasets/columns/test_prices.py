from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.datasets.columns.cell_rules import CellRules
from streams.datasets.columns.prices import read_prices


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("$1,299.00", 1299.0),
        ("US $12.99", 12.99),
        ("USD 19.50", 19.5),
        ("12.99 USD", 12.99),
        ("12,99 EUR", 12.99),
        ("\u20ac12,99", 12.99),
        ("1.299,00 \u20ac", 1299.0),
        ("1 299,00 \u20ac", 1299.0),
        ("1\u202f299,00\u00a0\u20ac", 1299.0),
        ("CHF 1'299.50", 1299.5),
        ("\u00a31,299", 1299.0),
        ("\u00a51,980", 1980.0),
        ("1,980\u5186", 1980.0),
        ("R$ 1.299,90", 1299.9),
        ("A$5.00", 5.0),
        ("Rs. 499", 499.0),
        ("Rs.1,29,999.00", 129999.0),
        ("\u20b9 499/-", 499.0),
        ("499 kr", 499.0),
        ("499,-", 499.0),
        ("1 299 \u0440\u0443\u0431.", 1299.0),
        ("99\u00a2", 0.99),
        ("$.99", 0.99),
        ("from 9.99", 9.99),
        ("$12.99 - $24.99", 12.99),
        ("12.99\u201324.99", 12.99),
        ("10 to 20 EUR", 10.0),
        ("Free", 0.0),
        ("Free to Play", 0.0),
        ("0", 0.0),
        (" 3.50 ", 3.5),
        (5, 5.0),
        (5.25, 5.25),
        (Decimal("5.25"), 5.25),
        ({"$numberDecimal": "5.25"}, 5.25),
        ("1.299.000", 1299000.0),
        ("1299.000", 1299.0),
        ("Call us", None),
        ("2 for $5", None),
        ("$24.99 (was $29.99)", None),
        ("12.99 24.99", None),
        ("-5", None),
        (-1, None),
        (True, None),
        ("1e5", None),
        ("", None),
        (None, None),
        (float("nan"), None),
        ("1" * 20, None),
        (".a-box-inner{background-color:#fff}", None),
    ],
)
def test_prices_as_shops_write_them(cell: Any, price: float | None) -> None:
    assert read_prices([cell]).values == [price]


STYLES = {
    "us": ("{:,.2f}", ("$%s", "US $%s", "%s USD", "USD %s", "\u00a3%s", "Rs. %s", "%s")),
    "de": ("{:,.2f}", ("%s \u20ac", "EUR %s", "\u20ac%s", "%s kr", "R$ %s")),
    "fr": ("{:,.2f}", ("%s \u20ac", "%s EUR", "CHF %s")),
}
SIGNS = {"us": (",", "."), "de": (".", ","), "fr": ("\u202f", ",")}


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.sampled_from(sorted(STYLES)), st.data())
def test_a_formatted_price_reads_back(cents: list[int], country: str, data: st.DataObject) -> None:
    form, styles = STYLES[country]
    thousands, point = SIGNS[country]
    style = data.draw(st.sampled_from(styles))
    numbers = [
        form.format(value / 100).replace(",", "_").replace(".", point).replace("_", thousands)
        for value in cents
    ]
    assert read_prices([style % number for number in numbers]).values == [value / 100 for value in cents]


@given(st.text(max_size=30))
def test_no_text_gives_a_traceback(text: str) -> None:
    (found,) = read_prices([text]).values
    assert found is None or found >= 0


def test_a_lone_mark_is_what_the_column_says() -> None:
    assert read_prices(["1.299", "12,99"]).values == [1299.0, 12.99]
    assert read_prices(["1,299", "12.99"]).values == [1299.0, 12.99]
    assert read_prices(["1.299", "2.000.000"]).values == [1299.0, 2_000_000.0]
    assert read_prices(["1.299", "12,99"]).notes == ()


def test_in_doubt_it_is_told_and_can_be_set() -> None:
    found = read_prices(["1.299", "1,299"])
    assert found.values == [1.299, 1299.0]
    (note,) = found.notes
    assert note == (
        "2 prices leave their decimal mark in doubt, as '1.299': read as 1.299 "
        "(--decimal comma reads it otherwise)"
    )
    comma = read_prices(["1.299", "1,299"], CellRules(decimal="comma"))
    assert (comma.values, comma.notes) == ([1299.0, 1.299], ())
    assert read_prices(["1.299", "12,99"], CellRules(decimal="point")).values == [1.299, 12.99]


def test_what_was_assumed_is_told() -> None:
    found = read_prices(["$5 - $6", "4 \u20ac", "ask", "", "NA"])
    assert found.notes == (
        "1 of 5 prices can't be read, such as 'ask': left out",
        "1 prices are ranges: the lower end is taken",
        "prices are in several currencies, and are not converted: $ (1), \u20ac (1)",
    )
