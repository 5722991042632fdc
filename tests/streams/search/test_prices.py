"""What queries say of prices, in the languages that readers write."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.search.prices import MOST_READ, price_words

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
    ("三百以下的耳机", None, 300, "耳机"),
    ("三百以內 耳機", None, 300, "耳機"),
    ("五百左右的手机", 400, 600, "手机"),
    ("预算500左右 手机", 400, 600, "手机"),
    ("大概200的鞋", 160, 240, "鞋"),
    ("一千到两千的手机", 1000, 2000, "手机"),
    ("一千到两千元的手机", 1000, 2000, "手机"),
    ("1000-2000的手机", 1000, 2000, "手机"),
    ("五百至一千元", 500, 1000, ""),
    ("两三千元手机", 2000, 3000, "手机"),
    ("三五百的鞋", 300, 500, "鞋"),
    ("一百多的耳机", 100, 200, "耳机"),
    ("200多块的耳机", 200, 300, "耳机"),
    ("千元手机", 1000, 2000, "手机"),
    ("2千5以下", None, 2500, ""),
    ("一万五以内笔记本", None, 15_000, "笔记本"),
    ("九块九以内 袜子", None, 9.9, "袜子"),
    ("500元的手机", 400, 600, "手机"),
    ("不超过两百块的玩具", None, 200, "玩具"),
    ("不到一百的零食", None, 100, "零食"),
    ("预算三千台式机", None, 3000, "台式机"),
    ("50元内零食", None, 50, "零食"),
    ("200RMB以内", None, 200, ""),
    ("台幣500以下 充電線", None, 500, "充電線"),
    ("HK$300以下", None, 300, ""),
    ("三千円以下のイヤホン", None, 3000, "イヤホン"),
    ("5000円以下のイヤホン", None, 5000, "イヤホン"),
    ("5만원 이하 이어폰", None, 50_000, "이어폰"),
    ("หูฟัง ไม่เกิน 500 บาท", None, 500, "หูฟัง"),
]
NO_PRICES = [
    "cable under 3 m", "over 18 years", "under armour", "sm57", "case for 50 cm keyboard", "1/4 jack",
    "6.35mm", "strings 10-46", "from 1984", "drum 5-piece", "above and beyond", "2x12 cabinet", "",
    "二十以内加减法", "20以内加减法 练习册", "身高170左右 牛仔裤", "30左右女装", "三只松鼠", "千与千寻",
    "一千零一夜", "百年孤独", "百事可乐",
    "十月稻田大米", "三百张以上", "一百片以下口罩", "5000mAh以下充电宝", "两千流明投影仪", "1000到2000毫安",
    "2020到2024年", "尼康 200-500 镜头",
    "一百多种口味", "100元话费", "99包邮", "三岁以上积木", "一两以上",
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


@pytest.mark.parametrize("text", ["九块九" * 300, " 1" * 450, "1元 " * 300, "under 1 " * 120, "两三百" * 300])
def test_a_text_full_of_numbers_takes_no_time(text: str) -> None:
    """Each number looked at all that stood before it: a third of a second."""
    price_words(text)
    began = time.thread_time()
    price_words(text[:MOST_READ])
    assert time.thread_time() - began < 0.1


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
        ("两千五以内的手机", 2500),
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
