"""A real Prometheus with this repository's own configuration, on other targets."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from promql_parser import MatchOp, VectorSelector

from streams.local.ports import LOOPBACK, free_ports
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready
from tests.ops.promql_names import selectors

OPS = Path(__file__).parents[2] / "ops"
SIGNS = ((MatchOp.Equal, "="), (MatchOp.NotEqual, "!="), (MatchOp.Re, "=~"), (MatchOp.NotRe, "!~"))
CHOSEN = ("namespace", "instance")
"""By these a dashboard chooses; they say nothing of what a query asks for."""


class Prometheus:
    """One that runs, asked over HTTP. `at_s`: the moment that queries are of; None for now."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.at_s: float | None = None

    def result(self, query: str) -> list[dict[str, Any]]:
        """Of an instant query: its series. A test fails where Prometheus does not take it."""
        moment = {} if self.at_s is None else {"time": f"{self.at_s:.3f}"}
        answer = self.client.get("/api/v1/query", params={"query": query, **moment}).json()
        assert answer["status"] == "success", f"{query}: {answer.get('error')}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def get(self, path: str, **params: str) -> Any:
        """What it says under a path of its API."""
        answer = self.client.get(f"/api/v1/{path}", params=params).json()
        assert answer["status"] == "success", answer
        return answer["data"]


def configuration(targets: Mapping[str, list[str]]) -> dict[str, Any]:
    """That of ops/prometheus.yml, which scrapes these targets of each job, and once a second."""
    tree: dict[str, Any] = yaml.safe_load((OPS / "prometheus.yml").read_text())
    tree["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    tree["rule_files"] = [str(OPS / file) for file in tree["rule_files"]]
    assert {job["job_name"] for job in tree["scrape_configs"]} == set(targets)
    for job in tree["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": targets[job["job_name"]]}]
    return tree


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, list[str]]) -> Iterator[Prometheus]:
    """It runs while the block does. Skipped where it is not installed, but never in CI."""
    program = shutil.which("prometheus")
    if program is None:
        assert not os.environ.get("CI"), "prometheus is not installed: .ci/run installs it"
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    (port,) = free_ports(1)
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(configuration(targets)))  # which is YAML too
    command = [
        program,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    ]
    with (
        ChildProcess("Prometheus", command, folder / "prometheus.log") as process,
        httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=30) as client,
    ):
        wait_until_ready(process, lambda: _is_ready(client), 60)
        yield Prometheus(client)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.HTTPError:
        return False


def asked_for(query: str) -> set[str]:
    """The series that a query reads, each as a query of its own, without what dashboards choose by.

    >>> asked_for('sum (rate(a_total{rung!="full", instance=~".*"}[1m])) or vector(0)')
    {'a_total{rung!="full"}'}
    """
    return {_plain(each) for each in selectors(promql_parser.parse(query))}


def _plain(selector: VectorSelector) -> str:
    told = [
        f'{each.name}{next(sign for op, sign in SIGNS if op == each.op)}"{each.value}"'
        for each in selector.matchers.matchers
        if each.name not in CHOSEN
    ]
    return f"{selector.name}{{{', '.join(sorted(told))}}}" if told else str(selector.name)
