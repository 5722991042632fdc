"""The alert rules: what Prometheus' own checker says of them, when they fire, and what they lead to."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from ops.dashboards import objectives
from streams.commands.main import COMMANDS
from tests.ops.alert_cases import CASES, Series
from tests.ops.promql_names import outputs, unknown_in
from tests.ops.promtool import promtool

ROOT = Path(__file__).parents[2]
RULES_FILE = ROOT / "ops/alerts.yml"
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES_FILE.read_text())["groups"]
    for rule in group["rules"]
}
PARTS = ("**What it means.**", "**How to check.**", "**What to do.**")


@pytest.mark.parametrize("name", RULES)
def test_an_alert_has_what_whoever_is_on_call_needs(name: str) -> None:
    rule = RULES[name]
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"


@pytest.mark.parametrize("name", RULES)
def test_an_alert_asks_for_metrics_and_labels_that_are_exported(name: str) -> None:
    assert unknown_in(RULES[name]["expr"]) == []


@pytest.mark.parametrize("name", RULES)
def test_an_alert_tells_of_labels_that_its_query_has(name: str) -> None:
    texts = RULES[name]["annotations"]
    told = set(re.findall(r"\$labels\.(\w+)", texts["summary"] + texts["description"]))
    assert told <= outputs(promql_parser.parse(RULES[name]["expr"]))


def test_every_alert_has_its_runbook_and_no_other_has_one() -> None:
    assert re.findall(r"^## (.+)$", RUNBOOKS, re.MULTILINE) == list(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_runbook_says_what_how_and_what_to_do(name: str) -> None:
    section = RUNBOOKS.split(f"## {name}\n", 1)[1].split("\n## ", 1)[0]
    assert [part for part in PARTS if part in section] == list(PARTS)
    assert RULES[name]["labels"]["severity"] in section.splitlines()[1], "the first line names the severity"


def test_commands_of_runbooks_are_right() -> None:
    """Each is read by the command's own parser."""
    blocks = re.findall(r"```sh\n(.*?)```", RUNBOOKS, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("headrace ")]
    assert len(lines) > 5
    for line in lines:
        _, name, *words = shlex.split(line, comments=True)
        assert name in COMMANDS, line
        parser = argparse.ArgumentParser(exit_on_error=False)
        importlib.import_module(f"streams.commands.{name.replace('-', '_')}").add_arguments(parser)
        parser.parse_args(words)


def test_bounds_are_those_of_the_dashboards() -> None:
    for name, bound in {
        "FeedsNotFresh": objectives.FRESHNESS_P99_S,
        "IndexRecallLow": objectives.RECALL_LEAST,
        "LagGrows": objectives.LAG_EVENTS,
        "SlatesDegraded": objectives.BELOW_FULL_MOST,
    }.items():
        assert re.search(rf"[<>] {bound:g}\b", RULES[name]["expr"]), name


def test_prometheus_accepts_rules_and_configuration() -> None:
    assert f"SUCCESS: {len(RULES)} rules found" in promtool("check", "rules", RULES_FILE)
    promtool("check", "config", ROOT / "ops/prometheus.yml")


def test_every_alert_has_a_case() -> None:
    assert list(CASES) == list(RULES)


def _unit(name: str, series: Series, minutes: int, firing: int) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})',
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": firing}] if firing else [],
            }
        ],
    }


def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    """By Prometheus' own evaluation."""
    units = [
        unit
        for name, case in CASES.items()
        for unit in (
            _unit(name, case.fires, case.minutes, case.alerts),
            *(_unit(name, series, case.minutes, 0) for series in case.quiet),
        )
    ]
    tests = {"rule_files": [str(RULES_FILE)], "evaluation_interval": "1m", "tests": units}
    file = tmp_path / "alerts.test.yml"
    file.write_text(yaml.safe_dump(tests))
    promtool("test", "rules", file)


def test_a_case_that_is_wrong_is_found(tmp_path: Path) -> None:
    """The check above would fail: a quiet system does not fire."""
    wrong = _unit("StoreFails", CASES["StoreFails"].quiet[0], 20, firing=1)
    file = tmp_path / "alerts.test.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": [str(RULES_FILE)], "evaluation_interval": "1m", "tests": [wrong]})
    )
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", file)
