"""Rendering: texts of users stay texts, a misspelt name is an error, and what fails is a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, get
from litestar.response import Template
from litestar.testing import TestClient

from streams.gateway.web.pages import (
    environment,
    moment,
    number,
    page_data,
    pages_router,
    render,
    template_config,
)

EVIL = "</script><script>alert(1)</script><!-- '\" & \u2028"


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    @get("/breaks")
    async def breaks() -> None:
        raise RuntimeError("a secret of the log")

    @get("/shows")
    async def shows(request: Request[Any, Any, Any]) -> Template:
        return render(request, "web/base.html")

    app = Litestar(
        [pages_router("/p", [breaks, shows], [])], template_config=template_config(), openapi_config=None
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@given(st.text() | st.just(EVIL))
def test_data_of_a_page_is_no_markup(text: str) -> None:
    markup = str(page_data("x", {"text": text}))
    found = re.fullmatch(r'<script type="application/json" id="data-x">(.*)</script>', markup, re.DOTALL)
    assert found is not None
    assert not re.search("[<>&']", found[1])
    assert json.loads(found[1]) == {"text": text}


def test_values_are_escaped() -> None:
    said = environment().from_string('<p title="{{ v }}">{{ v }}</p>{{ number(v) }}').render(v=EVIL)
    assert "<script" not in said
    assert said.count("&lt;script&gt;alert") == 4


def test_a_misspelt_name_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ nothing }}").render()


def test_every_template_compiles() -> None:
    made = environment()
    names = made.list_templates()
    assert {"web/base.html", "console/base.html"} <= set(names)
    for name in names:
        made.get_template(name)


def test_numbers_and_times_say_what_they_are() -> None:
    assert 'value="0.25" data-format="percent"' in number(0.25, "percent")
    assert "–" in number(None)
    assert "–" in moment(None)
    assert 'datetime="2025-11-23T21:40:00.000+00:00"' in moment(1_763_934_000_000)


def test_what_fails_is_a_page_that_tells_no_secret(client: TestClient[Litestar]) -> None:
    answer = client.get("/p/breaks")
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "secret" not in answer.text
    assert client.get("/p/nowhere/at/all").status_code == 404


def test_links_to_languages_keep_the_question_and_lead_nowhere_else(client: TestClient[Litestar]) -> None:
    text = client.get("/p/shows", params={"a": "1 2", "lang": "en", "next": "//evil.example"}).text
    (address,) = re.findall(r'hreflang="zh" rel="alternate" href="([^"]+)"', text)
    assert address == "?a=1+2&amp;next=%2F%2Fevil.example&amp;lang=zh"
