"""The reader's language, and that both languages say the same things."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from streams.gateway.hot_routes import Gateway
from streams.gateway.web.language import COOKIE, DEFAULT, LANGUAGES, placeholders, preferred, texts
from streams.gateway.web.rooms import folders

Client = TestClient[Gateway]


def test_all_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    english = texts(DEFAULT).by_key
    for language in LANGUAGES:
        other = texts(language).by_key
        assert set(other) == set(english), language
        for key, text in other.items():
            assert text.strip(), f"{language}: {key} is empty"
            assert placeholders(text) == placeholders(english[key]), f"{language}: {key}"


def test_chinese_texts_are_chinese() -> None:
    """Names and units may stay as they are; words in a row may not."""
    for key, text in texts("zh").by_key.items():
        words = re.findall(r"[A-Za-z]{2,}", re.sub(r"\{\w+\}", "", text))
        assert len(words) < 2 or re.search("[\u4e00-\u9fff]", text), f"{key}: {text}"


def test_every_text_that_a_template_or_a_module_names_is_there() -> None:
    """Keys that are put together of parts are found by rendering."""
    known = texts(DEFAULT).by_key
    for kind, pattern in (("templates", "*.html"), ("static", "*.js")):
        for folder in folders(kind).values():
            for file in folder.rglob(pattern):
                for key in re.findall(r"""\bt\((["'])([\w.-]+)\1\s*[,)]""", file.read_text()):
                    assert key[1] in known, f"{file}: no text {key[1]}"


@pytest.mark.parametrize(
    ("address", "cookie", "accepted", "language"),
    [
        ("/console", None, "zh-CN,zh;q=0.9", "zh"),
        ("/console", "en", "zh-CN,zh;q=0.9", "en"),
        ("/console?lang=zh", "en", "en", "zh"),
        ("/console?lang=xx", "zh", "en", "zh"),
        ("/console?lang=../../etc", "<script>", "", "en"),
    ],
)
def test_the_address_counts_more_than_the_cookie_and_that_more_than_the_browser(
    pages_client: Client, address: str, cookie: str | None, accepted: str, language: str
) -> None:
    headers = {"accept-language": accepted} | ({} if cookie is None else {"cookie": f"{COOKIE}={cookie}"})
    answer = pages_client.get(address, headers=headers)
    assert answer.headers["content-language"] == language
    chosen = f"lang={language}" in address
    assert (COOKIE in answer.headers.get("set-cookie", "")) == chosen
    if chosen:
        assert {"httponly", "samesite=lax"} <= set(answer.headers["set-cookie"].lower().split("; "))


@given(st.text(max_size=200))
def test_any_header_gives_a_language(accepted: str) -> None:
    assert preferred(accepted) in LANGUAGES
