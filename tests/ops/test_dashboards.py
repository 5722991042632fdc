"""The committed dashboards: made from what the code exports, and asking for nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from ops.dashboards.all_boards import FOLDER, boards
from ops.dashboards.boards import gateway, overview
from ops.dashboards.exported import exported
from ops.dashboards.further import NOT_SHOWN, ROW, not_on, plain, with_further
from ops.dashboards.promql import gauge, quantile, rate, share
from tests.ops.promql_names import outputs, unknown_in

ROOT = Path(__file__).parents[2]
MAKE = "make dashboards"
FILES = sorted(FOLDER.glob("*.json"))


def dashboard(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def panels(file: Path) -> Iterator[dict[str, Any]]:
    yield from (panel for panel in dashboard(file)["panels"] if panel["type"] != "row")


def with_values(expr: str) -> str:
    """As Grafana sends it: its variables have values."""
    for name, value in {"$__rate_interval": "1m", "$namespace": ".*", "$instance": ".*"}.items():
        expr = expr.replace(name, value)
    return expr


def test_the_committed_files_are_what_the_generator_makes() -> None:
    made = {board.file: board.rendered() for board in boards()}
    assert {file.name for file in FILES} == set(made)
    for file in FILES:
        assert file.read_text() == made[file.name], f"{file.name} is not what it would be now: run {MAKE}"


def test_every_metric_is_on_a_dashboard_or_has_a_reason() -> None:
    assert not_on("".join(file.read_text() for file in FILES)) == [], f"run {MAKE}"
    assert set(NOT_SHOWN) <= set(exported()), "an exception that is none"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_queries_ask_for_metrics_and_labels_that_are_exported(file: Path) -> None:
    queries = [target["expr"] for panel in panels(file) for target in panel["targets"]]
    assert queries
    for query in queries:
        assert unknown_in(with_values(query)) == [], query
        assert "$namespace" in query, f"every query follows the chosen namespace: {query}"
        assert "$instance" in query, query


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_legends_name_labels_that_the_query_has(file: Path) -> None:
    for panel in panels(file):
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert named <= outputs(promql_parser.parse(with_values(target["expr"]))), target


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_say_what_they_show_and_in_which_unit(file: Path) -> None:
    seen = set()
    for panel in panels(file):
        assert panel["title"]
        assert len(panel["description"]) > 5, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "$datasource"
        seen.add(panel["id"])
    assert len(seen) == len(list(panels(file))), "each panel has an id of its own"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_panels_lie_beside_each_other_and_not_over(file: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard(file)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_a_metric_without_a_panel_gets_one_on_the_dashboard_of_its_job() -> None:
    """Here all of a gateway that the overview does not show."""
    empty = gateway.board()._replace(rows={})
    first, second = with_further([overview.board(), empty])
    assert ROW not in first.rows
    titles = {panel.title for panel in second.rows[ROW]}
    assert {"search items", "ranker seconds"} <= titles
    assert "gateway feeds" not in titles, "the overview has it"


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram"])
def test_a_plain_panel_is_right_for_its_kind(kind: str) -> None:
    for metric in exported().values():
        if metric.kind == kind:
            for query in plain(metric).queries:
                assert unknown_in(with_values(query.expr)) == [], query


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_files_are_what_grafana_s_own_types_read(file: Path) -> None:
    """Nothing is lost on the way through them: no field is misspelt."""
    register_default_plugins()
    tree = dashboard(file)
    read = json.loads(json.dumps(Dashboard.from_json(tree), cls=JSONEncoder))
    assert read == tree


def test_what_does_not_exist_can_not_be_asked_for() -> None:
    with pytest.raises(ValueError, match="no such metric"):
        rate("headrace_worker_eventz")
    with pytest.raises(ValueError, match="it is a gauge"):
        rate("headrace_worker_ready")
    with pytest.raises(ValueError, match="has no label rungs; its labels: ranked_by, rung"):
        share("headrace_worker_slates", "rungs")
    with pytest.raises(ValueError, match="it is a counter"):
        gauge("max", "headrace_worker_slates")


def test_faults_in_queries_are_found() -> None:
    assert unknown_in("sum(rate(headrace_worker_ready[5m]))") == ["rate of headrace_worker_ready, a gauge"]
    assert unknown_in("rate(sum(headrace_worker_slates_total)[5m:])") == ["rate of what is no series"]
    assert unknown_in("headrace_nothing") == ["headrace_nothing is not exported"]
    assert unknown_in('headrace_worker_ready{job="worker",color="red"}') == [
        "headrace_worker_ready has no label color"
    ]
    stages = with_values(quantile(0.5, "headrace_worker_stage_seconds", "stage").expr)
    assert unknown_in(stages) == []
    assert unknown_in(stages.replace("le, ", "edge, ")) == ["sum by edge: there is no such label"]


def test_grafana_finds_what_compose_gives_it() -> None:
    """Source and folder are those that the files name, and only this machine may look."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    grafana = compose["services"]["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    assert mounts["./ops/grafana/provisioning"] == "/etc/grafana/provisioning"
    provider = yaml.safe_load((ROOT / "ops/grafana/provisioning/dashboards/headrace.yml").read_text())
    (provided,) = provider["providers"]
    assert mounts["./ops/grafana/dashboards"] == provided["options"]["path"]
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (FOLDER / home.name).is_file()
    sources = yaml.safe_load((ROOT / "ops/grafana/provisioning/datasources/prometheus.yml").read_text())
    (source,) = sources["datasources"]
    assert source["url"] == "http://prometheus:9090"
    scraping = yaml.safe_load((ROOT / "ops/prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]
    for service in ("grafana", "prometheus"):
        assert all(port.startswith("127.0.0.1:") for port in compose["services"][service]["ports"])
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
