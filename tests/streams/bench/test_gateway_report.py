from __future__ import annotations

import msgspec
import pytest

from streams.bench.gateway_load import GatewayOptions
from streams.bench.gateway_report import case_of_row, faults_of, gateway_report
from streams.bench.gateway_row import GatewayRow
from streams.settings.tree import Settings

ROW = GatewayRow(
    clients=8,
    offered=0.0,
    per_request=1,
    requests=100,
    failed=0,
    rate=2_713.0,
    p50_ms=2.5,
    p99_ms=7.1,
    cpu_us={"gateway": 278.0, "worker": 40.0},
    messages=100,
    folded=100,
    drained_s=0.2,
)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "8 clients"),
        ({"clients": 1}, "1 client"),
        ({"offered": 3_000.0}, "8 clients, 3000/s offered"),
        ({"per_request": 10}, "8 clients, 10 events a request"),
    ],
)
def test_a_step_has_a_name(changes: dict[str, float], name: str) -> None:
    case = case_of_row(changed(**changes))
    assert case.name == name
    assert case.figures["p99 ms"] == 7.1
    assert case.cpu_us == {"gateway": 278.0, "worker": 40.0}


def test_failed_requests_and_lost_messages_are_faults() -> None:
    assert not faults_of(ROW, 1)
    assert faults_of(changed(failed=2, folded=90), 1) == [
        "8 clients: 2 requests did not get the right answer",
        "8 clients: workers folded 90 of 100 messages",
    ]
    assert not faults_of(changed(folded=0), 0)  # no worker is there to fold them


def test_the_report_holds_each_step_and_its_faults() -> None:
    def measure(options, settings, steps, say):  # type: ignore[no-untyped-def]
        rows = [ROW, changed(clients=1, failed=1)]
        for row in rows:
            say(row)
        return rows

    report = gateway_report(measure, "Reads", "read", GatewayOptions(), Settings())
    assert [case.name for case in report.cases] == ["8 clients", "1 client"]
    assert report.problems() == ["1 client: 1 requests did not get the right answer"]
    assert msgspec.json.decode(report.json())["options"]["workers"] == 1


def changed(**changes: object) -> GatewayRow:
    from dataclasses import replace

    return replace(ROW, **changes)  # type: ignore[arg-type]
