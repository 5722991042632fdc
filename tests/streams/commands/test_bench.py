"""`headrace bench` with two builds: what is passed on, what is printed, and the exit status."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec
import pytest

from streams.bench.cases import Case, Measured
from streams.bench.machine import this_machine
from streams.commands import bench
from streams.commands.main import main
from tests.streams.bench.test_side_by_side import checkout


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (["feed", "--clients", "1,8", "--rounds", "2", "--n", "5"], ["feed", "--clients", "1,8", "--n", "5"]),
        (["feed", "--aga", "../before", "--round=2", "--js", "a.json"], ["feed"]),
        (["rescoring", "--model", "a", "b", "--plot", "p.html"], ["rescoring", "--model", "a", "b"]),
        (["freshness", "--rates=100", "--table", "t.md"], ["freshness", "--rates=100"]),
        (
            ["workers", "--rate", "3e2", "--against", "x", "--direct"],
            ["workers", "--rate", "3e2", "--direct"],
        ),
    ],
)
def test_options_of_the_output_are_not_passed_on_however_they_are_spelt(
    words: list[str], own: list[str]
) -> None:
    assert bench.own_words(words) == own


@pytest.mark.parametrize("what", bench.BENCHMARKS)
def test_no_option_of_a_benchmark_takes_the_place_of_what_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    seen: list[list[str]] = []

    def run(args: argparse.Namespace) -> int:
        seen.append(args.after_name)
        return 0

    monkeypatch.setattr(bench, "run", run)
    assert main(["bench", what]) == 0
    assert seen == [[what]]


@pytest.mark.parametrize(("clients", "status"), [("1", 0), ("lossy", 1)])
def test_two_builds_get_the_words_of_this_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    clients: str,
    status: int,
) -> None:
    """Also where it is no process of its own, so that `sys.argv` holds other words."""
    before, now = checkout(tmp_path / "before"), checkout(tmp_path / "now")
    monkeypatch.chdir(now)
    words = [
        "feed",
        "--clients",
        clients,
        "--aga",
        str(before),
        "--rounds",
        "2",
        "--json",
        str(tmp_path / "it"),
    ]
    assert main(["bench", *words]) == status
    assert [case.name for case in read(tmp_path / "it").cases] == ["a, before", "a, now"]
    out = capsys.readouterr().out
    assert ("problem: round 2, before: 3 events are lost" in out) == bool(status)


def test_problems_of_an_earlier_result_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = Measured(
        title="t", unit="a read", machine=this_machine(), cases=[Case(name="a", cpu_us={"worker": 1})]
    )
    earlier = tmp_path / "earlier.json"
    earlier.write_bytes(msgspec.structs.replace(now, faults=["3 events are lost"]).json())
    monkeypatch.setattr("streams.commands.benches.feed.measure", lambda _: now)
    assert main(["bench", "feed", "--against", str(earlier)]) == 0
    assert "note: problem of the result before: 3 events are lost" in capsys.readouterr().out


def read(path: Path) -> Measured:
    return msgspec.json.decode(path.read_bytes(), type=Measured)
