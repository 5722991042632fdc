from __future__ import annotations

from pathlib import Path

import msgspec

from streams.bench.case_plot import case_figure
from streams.bench.cases import Case, Measured
from streams.bench.machine import this_machine

MEASURED = Measured(
    title="Feed reads",
    unit="a read",
    machine=this_machine(),
    cases=[
        Case(
            name="1 client", figures={"reads/s": 1_231, "p50 ms": 0.7, "p99 ms": 4.3}, cpu_us={"gateway": 463}
        ),
        Case(
            name="8 clients", figures={"reads/s": 2_713, "p99 ms": 7.1}, cpu_us={"gateway": 278, "Valkey": 8}
        ),
    ],
    notes=["A note."],
)


def test_a_row_for_each_case_and_a_column_for_each_figure() -> None:
    page = MEASURED.table()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[0] == "|  | reads/s | p50 ms | p99 ms | gateway, CPU us a read | Valkey, CPU us a read |"
    assert rows[1] == "| 1 client | 1,231 | 0.7 | 4.3 | 463 | – |"
    assert rows[2] == "| 8 clients | 2,713 | – | 7.1 | 278 | 8 |"
    assert page.endswith("- A note.\n")


def test_figures_of_one_unit_share_a_plot() -> None:
    titles = [note.text for note in case_figure(MEASURED).layout.annotations]
    assert titles == ["CPU, us a read", "reads/s", "ms"]
    traces = {trace.name: trace for trace in case_figure(MEASURED).data}
    assert list(traces["p99 ms"].y) == [4.3, 7.1]
    assert list(traces["Valkey"].y) == [None, 8]


def test_the_plot_needs_no_network(tmp_path: Path) -> None:
    MEASURED.plot(tmp_path / "plot.html")
    page = (tmp_path / "plot.html").read_text()
    assert "<script src=" not in page
    assert "Feed reads" in page


def test_a_result_without_cases_has_pages_too(tmp_path: Path) -> None:
    empty = Measured(title="t", unit="a read", machine=this_machine(), cases=[])
    empty.plot(tmp_path / "plot.html")
    assert "# t" in empty.table()


def test_a_figure_that_is_0_everywhere_is_in_the_table_alone() -> None:
    cases = [
        Case(name=name, figures={"p50 ms": 0.7, "failed requests": 0}) for name in ("1 client", "2 clients")
    ]
    measured = Measured(title="t", unit="a read", machine=this_machine(), cases=cases)
    assert [trace.name for trace in case_figure(measured).data] == ["p50 ms"]
    assert "failed requests" in measured.table()


def test_gpus_are_told_where_there_are_some() -> None:
    machine = msgspec.structs.replace(this_machine(), gpus=["NVIDIA H200, 143771 MiB, 570.1"])
    measured = msgspec.structs.replace(MEASURED, machine=machine)
    assert "GPU: NVIDIA H200, 143771 MiB, 570.1.\n" in measured.table()
    assert msgspec.json.decode(measured.json(), type=Measured).machine == machine
    without = msgspec.structs.replace(MEASURED, machine=msgspec.structs.replace(machine, gpus=[]))
    assert "GPU" not in without.table()
    assert b"gpus" not in without.json()
