"""Dashboards and alerts on real data: a Prometheus scrapes a gateway and a worker that people use, and each
query of each panel and each alert is asked of it.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from ops.dashboards.all_boards import FOLDER
from streams.local.stack import LocalStack
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import now_ms
from tests.connected.gateway_process import gateway
from tests.connected.models import register_models
from tests.connected.quiet_series import BUSY, QUIET
from tests.connected.test_gateway import is_ready, until
from tests.connected.worker_process import worker
from tests.ops.prometheus import OPS, Prometheus, asked_for, prometheus
from tests.ops.test_dashboards import with_values
from tests.streams.tracing.receiver import Receiver

pytestmark = pytest.mark.connected

ITEMS, USERS = 60, 12
AT_LEAST_S, AT_MOST_S, PATIENCE_S = 25.0, 180.0, 300.0
RARE = "min(count_over_time(headrace_worker_examples_total[10m])) > 3"
"""True once what comes last, with the first shard, was scraped so often that it has a rate."""
BOARDS = {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}
RULES = {
    rule["alert"]: rule["expr"]
    for group in yaml.safe_load((OPS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
}


def environ(registry: Path, endpoint: str, folder: Path) -> dict[str, str]:
    """A system that does all it can: it learns, draws, traces, logs examples and ranks on request. The
    machine of a test may be as slow as it is.
    """
    return {
        "HEADRACE_MODEL__REGISTRY": str(registry),
        "HEADRACE_MODEL__ACTIVE": "first",
        "HEADRACE_TRACING__ENABLED": "true",
        "HEADRACE_TRACING__RATIO": "1.0",
        "HEADRACE_TRACING__ENDPOINT": endpoint,
        "HEADRACE_RANKER__WHERE": "here",
        "HEADRACE_REWEIGHTING__ENABLED": "true",
        "HEADRACE_EXPLORATION__SHARE": "0.5",
        "HEADRACE_CANDIDATES__QUOTAS": "mean",
        "HEADRACE_LEARNING__WAIT_S": "4",
        "HEADRACE_EXAMPLES__FOLDER": str(folder / "examples"),
        "HEADRACE_EXAMPLES__SAMPLE": "0.1",  # a shard or two: they are written when nothing else is to do
        "HEADRACE_EXAMPLES__SHARD_EVENTS": "50",
        "HEADRACE_WORKER__SNAPSHOT_EVERY_S": "5",
        "HEADRACE_LADDER__FEWER_AT_MS": "20000",
        "HEADRACE_LADDER__COUNTERS_AT_MS": "20000",
        "HEADRACE_LADDER__POPULAR_AT_MS": "30000",
        "HEADRACE_GATEWAY__TIMEOUT_MS": "20000",
        "HEADRACE_REDIS__TIMEOUT_MS": "20000",
    }


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str) -> Iterator[Prometheus]:
    """Prometheus, after a while in which people used the system; all of it still runs."""
    folder = tmp_path_factory.mktemp("dashboards")
    registry = register_models(folder / "models", ("first",)).folder
    with ExitStack() as running:
        receiver = running.enter_context(Receiver())
        stack = running.enter_context(LocalStack(Settings(), kafka_bootstrap=kafka_bootstrap, durable=True))
        prefix, more = f"test-{uuid4().hex[:12]}.", environ(registry, receiver.endpoint, folder)
        more |= {"HEADRACE_KAFKA__PREFIX": prefix, "HEADRACE_REDIS__PREFIX": prefix}
        kafka, redis = stack.settings.kafka, stack.settings.redis
        working = running.enter_context(worker(folder, kafka, redis, more, wait=False))
        working.wait_until_ready(PATIENCE_S)
        serving = running.enter_context(gateway(folder, kafka.bootstrap, redis.url, prefix, more=more))
        http = serving.client
        until(lambda: is_ready(http), PATIENCE_S)
        targets = {"worker": [host_of(working.address)], "gateway": [host_of(str(http.base_url))]}
        watching = running.enter_context(prometheus(folder, targets))
        announce(http)
        until(lambda: f"headrace_search_items {ITEMS}.0" in http.get("/metrics").text, PATIENCE_S)
        with following(http, "user-0"):
            use(http, watching)
        watching.at_s = time.time()  # however long the tests take
        yield watching


def host_of(address: str) -> str:
    return address.removeprefix("http://").rstrip("/")


def event(kind: str, **more: object) -> dict[str, Any]:
    return {"type": kind, "event_id": uuid4().hex, "ts": now_ms(), **more}


def announce(http: httpx.Client) -> None:
    items = [
        event("item", item_id=f"item-{n}", title=f"Film number {n}", categories=[f"kind {n % 5}"])
        for n in range(ITEMS)
    ]
    assert http.post("/v1/events", json=items).status_code == 202


@contextmanager
def following(http: httpx.Client, user: str) -> Iterator[None]:
    """Somebody has the page of this user open."""
    ended = threading.Event()

    def follow() -> None:
        with httpx.stream("GET", f"{http.base_url}/v1/users/{user}/live", timeout=60) as answer:
            for _ in answer.iter_lines():
                if ended.is_set():
                    return

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        http.post("/v1/events", json=event("click", user_id=user, item_id="item-1"))  # the last line
        thread.join(60)


def use(http: httpx.Client, watching: Prometheus) -> None:
    """Users act, read their feeds, choose of them, search, and are ranked for."""
    begun_s, turn = time.monotonic(), 0
    while (used_s := time.monotonic() - begun_s) < AT_LEAST_S or not watching.result(RARE):
        assert used_s < AT_MOST_S, "no example was logged"
        user = f"user-{turn % USERS}"
        http.post("/v1/events", json=event("click", user_id=user, item_id=f"item-{turn * 7 % ITEMS}"))
        said = event("review", user_id=user, item_id=f"item-{turn * 11 % ITEMS}", rating=4.0, text="so good")
        http.post("/v1/events", json=[said, said] if turn % 5 == 0 else said)  # a client may send one twice
        feed = http.get(f"/v1/users/{user}/feed", params={"n": 5}).json()
        for place, item in list(enumerate(feed["items"]))[1 : 1 + turn % 2]:
            chosen = {"item_id": item["item_id"], "slate_id": feed["slate_id"], "position": place}
            http.post("/v1/events", json=event("click", user_id=user, **chosen))
        http.get("/v1/search", params={"q": f"film {turn % ITEMS}", "user_id": user})
        http.get("/v1/suggest", params={"q": "fil"})
        http.post("/v1/rank", json={"user_id": user, "items": [f"item-{n}" for n in range(5)]})
        turn += 1
        time.sleep(0.05)


def panels(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and query, as Grafana sends it, over all the time that the system was used."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], with_values(target["expr"].replace("$__rate_interval", "5m"))


@pytest.mark.parametrize("name", BOARDS)
def test_each_panel_has_data_unless_it_waits_for_what_need_not_happen(
    measured: Prometheus, name: str
) -> None:
    empty = [
        (title, query)
        for title, query in panels(BOARDS[name])
        if not any(math.isfinite(float(each["value"][1])) for each in measured.result(query))
        and not asked_for(query) & set(QUIET)
    ]
    assert empty == []


@pytest.mark.parametrize("name", BOARDS)
def test_each_dashboard_has_something_to_choose(measured: Prometheus, name: str) -> None:
    variables = [each for each in BOARDS[name]["templating"]["list"] if each["type"] == "query"]
    assert [each["name"] for each in variables] == ["namespace", "instance"]
    for each in variables:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", with_values(each["query"]["query"]))
        assert found is not None, each["query"]
        assert measured.get(f"label/{found[2]}/values", **{"match[]": found[1]}), each["query"]


def test_quiet_series_are_those_that_are_not_there(measured: Prometheus) -> None:
    """What is asked for is there or has a reason, and each reason is for a series that is asked for."""
    queries = [query for board in BOARDS.values() for _, query in panels(board)] + list(RULES.values())
    asked = set().union(*map(asked_for, queries))
    absent = {series for series in asked if not measured.result(series)}
    assert absent - set(QUIET) == set(), "a panel or an alert asks for what a healthy system lacks"
    assert set(QUIET) - asked == set(), "nobody asks for these"
    assert set(QUIET) - absent <= BUSY, "a healthy system has these"


def test_alerts_are_understood_and_none_is_raised(measured: Prometheus) -> None:
    until(lambda: all(rule["lastEvaluation"] > "0002" for rule in rules(measured)))
    found = rules(measured)
    assert {rule["name"] for rule in found} == set(RULES)
    assert {rule["name"]: rule["lastError"] for rule in found if rule.get("lastError")} == {}
    assert {rule["health"] for rule in found} == {"ok"}
    assert [rule["name"] for rule in found if rule["state"] == "firing"] == []


def rules(measured: Prometheus) -> list[dict[str, Any]]:
    return [rule for group in measured.get("rules")["groups"] for rule in group["rules"]]
