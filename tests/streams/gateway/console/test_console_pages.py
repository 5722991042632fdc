"""The console's pages as HTML: on an empty system, with a worker, and with a store that is away."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import pytest
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.gateway.app import create_app
from streams.gateway.console.navigation import NAVIGATION, PREFIX
from streams.gateway.hot_routes import Gateway
from streams.gateway.web.language import texts
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.base import StoredReport
from streams.stores.memory import MemoryStore
from streams.worker_reports.report import KEPT_MS, encode
from tests.streams.gateway.conftest import NOW_MS, RecordingSink
from tests.streams.gateway.console.reports import report

Client = TestClient[Gateway]
PATHS = [PREFIX + page.path for _, pages in NAVIGATION for page in pages]


class Away(MemoryStore):
    async def reports(self) -> list[StoredReport]:
        raise StoreUnavailableError("redis at <host> did not answer")


def opened(store: MemoryStore) -> Client:
    settings = override(
        Settings(),
        {
            "gateway": {"console": "on"},
            "redis": {"url": "redis://user:secret@store.example:6379/0?password=secret"},
        },
    )
    sink, clock = RecordingSink(), ManualClock(NOW_MS)
    return TestClient(create_app(settings, store, sink, clock, CollectorRegistry()))


@pytest.fixture
def client() -> Iterator[Client]:
    with opened(MemoryStore()) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
def test_what_stands_before_the_body_is_not_to_be_read(client: Client, path: str) -> None:
    """A block of a page may have the name of another one in a template that it extends."""
    head = client.get(path).text.partition("<body")[0].partition("<head>")[2]
    assert set(re.findall(r"<([a-z]+)", head)) <= {"meta", "title", "link", "script"}


@pytest.mark.parametrize(("mode", "leads"), [("on", True), ("off", False)])
def test_pages_lead_to_the_demo_application_where_there_is_one(mode: str, leads: bool) -> None:
    settings = override(Settings(), {"gateway": {"console": "on", "demo_app": mode}})
    app = create_app(settings, MemoryStore(), RecordingSink(), ManualClock(NOW_MS), CollectorRegistry())
    with TestClient(app) as client:
        for path in PATHS:
            assert ('href="/demo"' in client.get(path).text) == leads, path


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_of_the_navigation_is_there(client: Client, path: str, language: str) -> None:
    answer = client.get(path, params={"lang": language})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.count("<h1") == 1
    assert answer.text.count('aria-current="page"') == 1
    assert "secret" not in answer.text


def test_each_page_is_in_the_navigation_once() -> None:
    assert len(set(PATHS)) == len(PATHS)
    for _, pages in NAVIGATION:
        for page in pages:
            assert f"console.{page.name}.title" in texts("en").by_key


def test_a_store_that_is_away_is_said_on_the_page() -> None:
    with opened(Away()) as client:
        for path in PATHS:
            answer = client.get(path)
            assert answer.status_code == 200
        told = _until_told(client)
        assert "redis at &lt;host&gt; did not answer" in told
        assert "<host>" not in told


async def test_a_worker_is_on_the_page_without_any_script() -> None:
    store = MemoryStore()
    raw = encode(report(ready=False, trouble="it <starts>"))
    await store.put_report("host:1", raw, KEPT_MS)
    with opened(store) as client:
        told = await asyncio.to_thread(_until_told, client, "host:1")
    assert "Worker host:1 is not ready: it &lt;starts&gt;" in told


def test_figures_begin_with_what_is_known(client: Client) -> None:
    _until_told(client)
    told = client.get("/console/figures").json()
    assert told["objective"] == [50.0, 250.0]
    assert len(told["points"]) >= 1
    assert [alarm["kind"] for alarm in told["figures"]["alarms"]] == ["no_worker"]


def _until_told(client: Client, wanted: str = "alarm ") -> str:
    """The first page, once the watch has looked."""
    text, end = "", time.monotonic() + 60
    while wanted not in text and time.monotonic() < end:
        text = client.get("/console", params={"lang": "en"}).text
        time.sleep(0.05)
    assert wanted in text
    return text
