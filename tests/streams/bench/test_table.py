from __future__ import annotations

from pathlib import Path

import msgspec

from streams.bench.machine import this_machine
from streams.bench.plot import figure, write_plot
from streams.bench.report import Report
from streams.bench.result import StepResult
from streams.bench.table import COLUMNS, markdown
from streams.bench.world import BenchOptions

QUANTILES = {"p50": 1.25, "p95": 2.0, "p99": 3.0, "max": 4.0}
NAMES = ("accepted_to_seen", "accepted_to_applied", "applied_to_pushed", "pushed_to_seen", "due_to_seen")


def step(rate: float, **changes: object) -> StepResult:
    cpu = {"worker": 1.5, "gateway": 0.5, "Kafka": 0.4, "Valkey": 0.1, "generator": 0.1}
    return msgspec.structs.replace(
        StepResult(
            rate=rate,
            seconds=5,
            offered=500,
            accepted=500,
            refused=0,
            applied=500,
            lost=0,
            unseen=0,
            drained_s=0.1,
            stages=dict.fromkeys(NAMES, QUANTILES),
            rungs={"full": 0.9, "fewer": 0.1, "counters": 0.0, "popular": 0.0},
            cpu_ms_per_event=cpu,
            cores={**cpu, "worker": 0.9},
        ),
        **changes,
    )


def test_a_row_for_each_rate_and_where_it_saturates() -> None:
    page = markdown("Title", this_machine(), [step(100), step(1_000, drained_s=4.0, refused=3)])
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 3
    assert all(row.count("|") == len(COLUMNS) + 1 for row in rows)
    assert "**1.2 / 2.0 / 3.0**" in rows[1]
    assert "90.0% / 10.0% / 0.0% / 0.0%" in rows[1]
    assert "3 refused" in rows[2]
    assert "Up to 100 events/s no event waited when the load ended." in page
    assert "Saturated at 1,000 events/s, where worker used 0.90 cores" in page


def test_nothing_saturated() -> None:
    assert "No rate of these saturated it." in markdown("Title", this_machine(), [step(100)])


def test_the_plot_is_one_page_that_needs_no_network(tmp_path: Path) -> None:
    path = tmp_path / "plot.html"
    write_plot(path, "Title", this_machine(), [step(100), step(300)])
    page = path.read_text()
    assert "accepted to feed in Redis" in page
    assert "<script src=" not in page


def test_the_plot_shows_each_rates_quantiles() -> None:
    lines = {line.name: line for line in figure("Title", this_machine(), [step(100), step(300)]).data}
    assert list(lines["p99"].x) == ["100/s", "300/s"]
    assert list(lines["p99"].y) == [3.0, 3.0]
    assert list(lines["worker"].y) == [1.5, 1.5]


def test_lost_events_and_a_step_without_any_are_problems() -> None:
    def problems(*steps: StepResult) -> list[str]:
        return Report(this_machine(), BenchOptions(), list(steps)).problems()

    assert problems(step(100)) == []
    assert problems(step(100, lost=2), step(300, accepted=0)) == [
        "100/s: the workers did not apply 2 accepted events",
        "300/s: the gateway accepted no event",
    ]
