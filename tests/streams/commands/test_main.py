"""The command line: what it prints, what it returns, and that it starts fast by importing little."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import types

import pytest

from model.errors import DataError
from streams.commands import main as cli


def headrace(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streams.commands", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A command `try-it` whose `run` a test sets."""
    module = types.ModuleType("streams.commands.try_it", "Tries it.")
    vars(module)["add_arguments"] = lambda parser: parser.add_argument("--n", type=int)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(cli.COMMANDS, "try-it", "try it")
    return module


def test_every_command_has_a_module_of_its_own() -> None:
    for name in cli.COMMANDS:
        module = importlib.import_module(f"streams.commands.{name.replace('-', '_')}")
        parser = argparse.ArgumentParser(prog=name)
        module.add_arguments(parser)
        assert callable(module.run)
        assert module.__doc__
        assert "usage" in parser.format_help()


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    code = (
        "import sys\nfrom streams.commands.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "heavy = {'numpy', 'msgspec', 'rich', 'polars', 'numba', 'faust', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert shown.returncode == 0, shown.stderr
    for name in cli.COMMANDS:
        assert f"    {name}" in shown.stdout


def test_no_command_and_an_unknown_one() -> None:
    assert headrace().returncode == 0
    assert "usage: headrace" in headrace().stdout
    unknown = headrace("rewind")
    assert unknown.returncode == 2
    assert "invalid choice: 'rewind'" in unknown.stderr


def test_arguments_reach_the_command(command: types.ModuleType) -> None:
    vars(command)["run"] = lambda args: args.n
    assert cli.main(["try-it", "--n", "7"]) == 7


def test_errors_of_ours_are_one_clear_line(
    command: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: argparse.Namespace) -> int:
        raise DataError("ratings.csv is empty")

    vars(command)["run"] = run
    assert cli.main(["try-it"]) == 2
    assert capsys.readouterr().err == "headrace try-it: ratings.csv is empty\n"


def test_interrupt(command: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    def run(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    vars(command)["run"] = run
    assert cli.main(["try-it"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_defect_of_ours_keeps_its_traceback(command: types.ModuleType) -> None:
    def run(args: argparse.Namespace) -> int:
        raise ZeroDivisionError

    vars(command)["run"] = run
    with pytest.raises(ZeroDivisionError):
        cli.main(["try-it"])


def test_a_reader_that_leaves_is_no_error() -> None:
    """As in `headrace ... | head`: the pipe is closed while the command still writes."""
    code = (
        "import sys, types\nfrom streams.commands import main as cli\n"
        "chatty = types.ModuleType('streams.commands.chatty', 'Talks.')\n"
        "chatty.add_arguments = lambda parser: None\n"
        "chatty.run = lambda args: [print('x' * 1000) for _ in range(10_000)] and 0\n"
        "sys.modules[chatty.__name__] = chatty\ncli.COMMANDS['chatty'] = 'talk'\n"
        "sys.exit(cli.main(['chatty']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "x" * 1000 + "\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0
