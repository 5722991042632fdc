"""What queries say of prices, in the languages that readers write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.search.prices import price_words

BOUNDS = [
    ("guitar strap under 50", None, 50, "guitar strap"),
    ("under $50 guitar strap", None, 50, "guitar strap"),
    ("headphones less than 1,000.50 dollars", None, 1000.5, "headphones"),
    ("amp between 100 and 250", 100, 250, "amp"),
    ("amp $100-$250", 100, 250, "amp"),
    ("amp 100-250 eur", 100, 250, "amp"),
    ("microphone over 200", 200, None, "microphone"),
    ("mic from $20 to $40", 20, 40, "mic"),
    ("auriculares hasta 20 euros", None, 20, "auriculares"),
    ("guitarra por menos de 100", None, 100, "guitarra"),
    ("guitarra entre 100 y 200 euros", 100, 200, "guitarra"),
    ("casque moins de 30 €", None, 30, "casque"),
    ("kopfhörer unter 50 euro", None, 50, "kopfhorer"),
    ("kopfhörer bis 50 €", None, 50, "kopfhorer"),
    ("cuffie sotto i 40 euro", None, 40, "cuffie"),
    ("fones até 100 reais", None, 100, "fones"),
    ("koptelefoon onder 30", None, 30, "koptelefoon"),
    ("słuchawki do 100 zł", None, 100, "sluchawki"),
    ("наушники до 1000 рублей", None, 1000, "наушники"),
    ("наушники дешевле 500", None, 500, "наушники"),
    ("kulaklık 500 tl altı", None, 500, "kulaklik"),
    ("سماعات أقل من 100 ريال", None, 100, "سماعات"),
    ("100元以下的耳机", None, 100, "耳机"),
    ("耳机 不超过200元", None, 200, "耳机"),
    ("1万以内的笔记本", None, 10_000, "笔记本"),
    ("100到200元的耳机", 100, 200, "耳机"),
    ("500元以上 耳机", 500, None, "耳机"),
    ("5000円以下のイヤホン", None, 5000, "イヤホン"),
    ("5만원 이하 이어폰", None, 50_000, "이어폰"),
    ("หูฟัง ไม่เกิน 500 บาท", None, 500, "หูฟัง"),
]
NO_PRICES = [
    "cable under 3 m", "over 18 years", "under armour", "sm57", "case for 50 cm keyboard", "1/4 jack",
    "6.35mm", "strings 10-46", "from 1984", "drum 5-piece", "above and beyond", "2x12 cabinet", "",
]  # fmt: skip


@pytest.mark.parametrize(("text", "low", "high", "rest"), BOUNDS)
def test_bounds_are_understood_and_taken_out(
    text: str, low: float | None, high: float | None, rest: str
) -> None:
    said = price_words(text)
    assert (said.low, said.high, said.rest) == (low, high, rest)


@pytest.mark.parametrize("text", NO_PRICES)
def test_other_numbers_are_no_prices(text: str) -> None:
    said = price_words(text)
    assert not said.bounded
    assert said.rest == text


@pytest.mark.parametrize(
    "text",
    ["cheap guitar", "guitarra barata", "pas cher", "günstige Gitarre", "便宜的耳机", "안경 저렴한", "ucuz"],
)
def test_what_is_cheap_leans_down(text: str) -> None:
    assert price_words(text).leaning == -1


@pytest.mark.parametrize("text", ["luxury pen", "高端耳机", "hochwertige Gitarre"])
def test_what_is_dear_leans_up_and_its_word_stays(text: str) -> None:
    said = price_words(text)
    assert said.leaning == 1
    assert len(said.rest.split()) == len(text.split())


@given(st.text(max_size=60) | st.text("0123456789.,元$ -abto<>٥", max_size=40))
def test_any_text_is_read(text: str) -> None:
    said = price_words(text)
    assert said.low is None or said.high is None or said.low <= said.high


@pytest.mark.parametrize(
    ("text", "low", "high", "rest"),
    [
        ("便宜的三元锂电池", None, None, "三元锂电池"),
        ("三元锂电池 500元以下", None, 500, "三元锂电池"),
        ("一百二十元以下的三元牛奶", None, 120, "三元牛奶"),
        ("三元牛奶 三到五元", 3, 5, "三元牛奶"),
        ("高端三元锂电池 两千元左右", 1600, 2400, "高端三元锂电池"),
    ],
)
def test_numerals_that_are_no_price_stay_as_they_were_written(
    text: str, low: float | None, high: float | None, rest: str
) -> None:
    said = price_words(text)
    assert (said.low, said.high, said.rest) == (low, high, rest)


@pytest.mark.parametrize(
    ("text", "high"),
    [
        ("两千五以内的手机", None),
        ("两千五块以内的手机", 2500),
        ("一百五元以下", 150),
        ("十二万八元以下", 128_000),
        ("一百零五元以下", 105),
        ("一百一十五元以下", 115),
        ("三万零五十元以下", 30_050),
        ("二〇元以下", 20),
        ("千元以下", 1000),
        ("万元以下", 10_000),
    ],
)
def test_a_last_digit_behind_a_unit_is_of_the_unit_below(text: str, high: float | None) -> None:
    assert price_words(text).high == high
