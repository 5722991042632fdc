"""Waiting for a server ends: in readiness, or in an error with the end of its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import LocalStackError
from streams.local.processes import ChildProcess
from streams.local.readiness import wait_until_ready


def test_it_returns_once_the_server_is_ready(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with ChildProcess("server", ["sleep", "60"], tmp_path / "log") as child:
        wait_until_ready(child, lambda: next(answers), deadline_s=10)
        assert child.returncode is None
    assert next(answers, "asked three times") == "asked three times"


def test_a_server_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with (
        ChildProcess("server", ["sh", "-c", "echo the disk is full; exit 3"], tmp_path / "log") as child,
        pytest.raises(LocalStackError, match=r"(?s)server .* ended with exit code 3.*the disk is full"),
    ):
        wait_until_ready(child, lambda: False, deadline_s=10)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with (
        ChildProcess("server", ["sleep", "60"], tmp_path / "log") as child,
        pytest.raises(LocalStackError, match=r"not ready within 0\.1"),
    ):
        wait_until_ready(child, lambda: False, deadline_s=0.1)


def test_a_server_that_works_on_is_waited_for(tmp_path: Path) -> None:
    answers = iter([False] * 5 + [True])
    with ChildProcess("server", ["sleep", "60"], tmp_path / "log") as child:
        wait_until_ready(child, lambda: next(answers), deadline_s=0.0, alive=lambda: True)
    assert next(answers, "asked to the end") == "asked to the end"


def test_a_server_that_answers_no_more_is_given_up(tmp_path: Path) -> None:
    alive = iter([True, False])
    with (
        ChildProcess("server", ["sleep", "60"], tmp_path / "log") as child,
        pytest.raises(LocalStackError, match="not ready within"),
    ):
        wait_until_ready(child, lambda: False, deadline_s=0.0, alive=lambda: next(alive))
