"""Peers that are not there, that are something else, and that answer wrongly."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from benchmarks.peers.__main__ import main
from tests.benchmarks.peers.gorse_server import GorseServer
from tests.benchmarks.peers.serving import Asked, Said, serving
from tests.listening import nobody_listens

SHORT = ["--events", "50", "--seconds", "0.2", "--warm", "0", "--clients", "2"]


@pytest.mark.parametrize("peer", ["gorse", "metarank"])
def test_nothing_there_is_said_plainly(peer: str, capsys: pytest.CaptureFixture[str]) -> None:
    with nobody_listens() as port:
        assert main([peer, "--url", f"http://127.0.0.1:{port}", *SHORT]) == 1
    said = capsys.readouterr().err
    assert f"http://127.0.0.1:{port} does not answer (health)" in said
    assert f"start {peer} as benchmarks/peers/README.md says" in said
    assert len(said.splitlines()) == 1


def test_something_else_there_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda _: (200, b"<html>It works</html>")) as url:
        assert main(["gorse", "--url", url, *SHORT]) == 1
    said = capsys.readouterr().err
    assert "other answer; expected the answer of gorse v0.5.11" in said
    assert "GET /api/health/ready" in said
    assert "'<html>It works</html>'" in said


def test_a_peer_that_is_not_ready_is_not_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def starting(request: Asked) -> Said:
        asked.append(request.path)
        return 200, {"Ready": False}

    with serving(starting) as url:
        assert main(["gorse", "--url", url, *SHORT]) == 1
    assert asked == [["api", "health", "ready"]]
    assert "not ready" in capsys.readouterr().err


def test_a_load_that_is_taken_in_part_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    gorse = GorseServer()

    def forgetful(request: Asked) -> Said:
        status, said = gorse(request)
        return (status, {"RowAffected": 7}) if request.path[-1] == "feedback" else (status, said)

    with serving(forgetful) as url:
        assert main(["gorse", "--url", url, *SHORT]) == 1
    said = capsys.readouterr().err
    assert "other count of rows" in said
    assert "PUT /api/feedback (events)" in said


def test_failures_are_counted_by_what_was_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gorse, seen = GorseServer(), 0

    def moody(request: Asked) -> Said:
        nonlocal seen
        status, said = gorse(request)
        if "recommend" not in request.path:
            return status, said
        seen += 1
        wrong: list[Said] = [(503, b""), (200, b'{"items": []}'), (200, said[:9]), (200, said[:9] * 2)]
        return wrong[seen % 8] if seen % 8 < len(wrong) else (status, said)

    with serving(moody) as url:
        assert main(["gorse", "--url", url, *SHORT, "--json", str(tmp_path / "it")]) == 1
    figures = json.loads((tmp_path / "it").read_text())["cases"][0]["figures"]
    kinds = ["status 503, requests", "other answer, requests", "other count of items, requests"]
    assert all(figures[kind] > 0 for kind in kinds)
    assert sum(figures[kind] for kind in kinds) == figures["failed requests"]
    assert figures["p50 ms"] > 0
    assert "requests did not get the right answer" in capsys.readouterr().out


def test_an_open_loop_offers_its_rate_and_a_prefix_is_kept(tmp_path: Path) -> None:
    gorse = GorseServer()

    def behind(request: Asked) -> Said:
        assert request.path.pop(0) == "proxy"
        return gorse(request)

    with serving(behind) as url:
        words = ["gorse", "--url", url + "/proxy/", *SHORT, "--rate", "100", "--json", str(tmp_path / "it")]
        assert main(words) == 0
    case = json.loads((tmp_path / "it").read_text())["cases"][0]
    assert case["name"] == "recommend 10, 2 clients, 100/s offered"
    assert sum(gorse.asked.values()) == 20


def test_cpu_is_that_of_the_processes_named(tmp_path: Path) -> None:
    gorse = GorseServer()

    def busy(request: Asked) -> Said:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
        return gorse(request)

    with serving(busy) as url:
        words = ["gorse", "--url", url, *SHORT, "--pid", str(os.getpid()), "--json", str(tmp_path / "it")]
        assert main(words) == 0
    for case in json.loads((tmp_path / "it").read_text())["cases"]:
        assert case["cpu_us"]["gorse"] > 5_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--url", "https://127.0.0.1:1"], "--url https://127.0.0.1:1: expected http://HOST:PORT"),
        (["--url", "127.0.0.1:8088"], "expected http://HOST:PORT"),
        (["--url", "http://127.0.0.1:99999"], "expected http://HOST:PORT"),
        (["--url", "http://127.0.0.1:1/a b"], "expected http://HOST:PORT"),
        (["--clients", "0"], "--clients 0: expected numbers above 0"),
        (["--seconds", "nan"], "--seconds nan: expected a number"),
        (["--rate", "-1"], "--rate -1.0: expected a number"),
        (["--events", "0"], "--events 0: expected a number"),
        (["--pid", "4194305"], "--pid"),
        (["--json", "/nowhere/it.json"], "the folder /nowhere does not exist"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gorse", *words]) == 1
    assert said in capsys.readouterr().err
