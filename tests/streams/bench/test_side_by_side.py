from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
import pytest

from model.errors import DataError, LocalStackError
from streams.bench.cases import Case, Measured
from streams.bench.machine import this_machine
from streams.bench.side_by_side import Pair, beside, python_of, read_cases, side_by_side

# A stand-in for another build's command: it writes a result as `headrace bench ... --json FILE` does.
COMMAND = """
import json, pathlib, sys
words = sys.argv[1:]
count = pathlib.Path("runs"); number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
if "broken" in words: sys.exit("it can't")
result = json.loads(pathlib.Path("template.json").read_text())
if "lossy" in words and number == 2: result["faults"] = ["3 events are lost"]
result["cases"][0]["cpu_us"]["worker"] = 100.0 * number
pathlib.Path(words[words.index("--json") + 1]).write_text(json.dumps(result))
"""


def checkout(folder: Path) -> Path:
    commands = folder / "streams" / "commands"
    commands.mkdir(parents=True)
    (commands / "__main__.py").write_text(COMMAND)
    for package in (commands, commands.parent):
        (package / "__init__.py").touch()
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    measured = Measured(
        title="t", unit="an event", machine=this_machine(), cases=[Case(name="a", cpu_us={"worker": 1})]
    )
    (folder / "template.json").write_bytes(measured.json())
    return folder


def test_both_builds_run_in_turn_and_medians_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = checkout(tmp_path / "before"), checkout(tmp_path / "now")
    monkeypatch.chdir(now)
    said: list[str] = []
    pair = side_by_side(before, ["feed"], 3, said.append)
    assert [words.split(": ")[1].split(",")[0] for words in said] == ["before", "now"] * 3
    assert pair.before[0].cpu_us == pair.now[0].cpu_us == {"worker": 200.0}
    assert (before / "runs").read_text() == "3"


def test_a_run_with_worthless_figures_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = checkout(tmp_path / "before"), checkout(tmp_path / "now")
    monkeypatch.chdir(now)
    pair = side_by_side(before, ["lossy"], 2, lambda _: None)
    assert pair.problems == ["round 2, before: 3 events are lost", "round 2, now: 3 events are lost"]
    assert beside("title", "event", this_machine(), pair, 2).problems() == pair.problems


def test_a_run_that_fails_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkout(tmp_path / "both")
    monkeypatch.chdir(folder)
    with pytest.raises(LocalStackError, match="it can't"):
        side_by_side(folder, ["broken"], 1, lambda _: None)


def test_a_folder_that_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="make env"):
        python_of(tmp_path)


def test_the_python_of_an_environment_is_not_resolved(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "it")
    assert os.fspath(python_of(folder)).endswith(".venv/bin/python")


def test_committed_results_of_freshness_are_read() -> None:
    path = Path(__file__).parents[3] / "benchmarks/results/freshness.json"
    cases = read_cases(path.read_bytes(), "it").cases
    assert "300/s" in [case.name for case in cases]
    assert all(case.cpu_us["worker"] > 0 for case in cases)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"a": 1}', b'{"title": "t", "unit": 3}'])
def test_other_files_are_refused(raw: bytes) -> None:
    with pytest.raises(DataError, match="--json wrote"):
        read_cases(raw, "it")


def test_both_builds_on_one_page() -> None:
    pair = Pair([Case(name="a"), Case(name="b")], [Case(name="b", cpu_us={"worker": 1}), Case(name="a")])
    page = beside("title", "event", this_machine(), pair, 3)
    assert [case.name for case in page.cases] == ["b, before", "b, now", "a, before", "a, now"]
    assert "| b, now | 1 |" in page.table()
    assert msgspec.json.decode(page.json(), type=Measured) == page
