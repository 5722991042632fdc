"""Gorse's requests: what arrives, and what a result says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from benchmarks.peers.__main__ import main
from streams.bench.cases import Measured
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.local.datasets import ml_100k
from tests.benchmarks.peers.gorse_server import GorseServer
from tests.benchmarks.peers.serving import Asked, Said, serving

SHORT = ["--events", "700", "--seconds", "0.3", "--warm", "0", "--clients", "2"]


def test_the_demo_arrives_whole_and_reads_have_latencies(tmp_path: Path) -> None:
    gorse, out = GorseServer(), tmp_path / "gorse.json"
    pages = [f"--{kind}={tmp_path / f'gorse.{kind}'}" for kind in ("json", "table", "plot")]
    with serving(gorse) as url:
        words = ["gorse", "--url", url, "--events", "700", "--seconds", "0.3", "--warm", "0.1"]
        assert main([*words, "--clients", "1,3", *pages]) == 0
    files = ml_100k()
    dataset = load_dataset(DatasetSpec(str(files.interactions), str(files.items), str(files.users)))
    past = dataset.first(700).interactions
    assert gorse.items.keys() == dataset.items.keys()
    assert {item.item_id: item.comment for item in gorse.items.values()} == {
        name: item.title for name, item in dataset.items.items()
    }
    assert {user.user_id: user.labels for user in gorse.users.values()} == dataset.users
    rated = {
        (user, item): value.value for (kind, user, item), value in gorse.feedback.items() if kind == "rating"
    }
    assert rated == {(past.user[k], past.item[k]): float(past.rating[k]) for k in range(700)}
    times = [value.timestamp for (kind, _, _), value in gorse.feedback.items() if kind == "rating"]
    spans = (max(times) - min(times)).total_seconds(), int(past.ts_ms[-1] - past.ts_ms[0]) / 1_000
    assert spans[0] == pytest.approx(spans[1])
    result = msgspec.json.decode(out.read_bytes(), type=Measured)
    assert [case.name for case in result.cases] == [
        "recommend 10, 1 client",
        "recommend 10, 3 clients",
        "an event in, 1 client",
        "an event in, 3 clients",
    ]
    for case in result.cases:
        assert 0 < case.figures["p50 ms"] <= case.figures["p95 ms"] <= case.figures["p99 ms"]
        assert case.figures["requests/s"] > 0
        assert case.figures["failed requests"] == 0
    assert result.faults == []
    assert "700 events" in (tmp_path / "gorse.table").read_text()
    assert "recommend 10" in (tmp_path / "gorse.plot").read_text()


def test_clicks_come_from_the_users_who_read_on_items_that_there_are() -> None:
    gorse = GorseServer()
    with serving(gorse) as url:
        assert main(["gorse", "--url", url, *SHORT, "--users", "5"]) == 0
    clicks = [key for key in gorse.feedback if key[0] == "click"]
    assert clicks
    assert {user for _, user, _ in clicks} <= gorse.asked.keys()
    assert len(gorse.asked) == 5
    assert {item for _, _, item in clicks} <= gorse.items.keys()
    assert sum(gorse.feedback[key].value for key in clicks) >= len(clicks)  # `POST` adds repeated clicks up


def test_a_second_load_changes_nothing() -> None:
    gorse = GorseServer()
    with serving(gorse) as url:
        for _ in range(2):
            assert main(["gorse", "--url", url, *SHORT]) == 0
    assert {value.value for key, value in gorse.feedback.items() if key[0] == "rating"} <= {1, 2, 3, 4, 5}


def test_loaded_only_measures() -> None:
    gorse, methods = GorseServer(), Counter[str]()

    def count(asked: Asked) -> Said:
        methods[f"{asked.method} {asked.path[1]}"] += 1
        return gorse(asked)

    with serving(count) as url:
        assert main(["gorse", "--url", url, *SHORT]) == 0
        methods.clear()
        assert main(["gorse", "--url", url, *SHORT, "--loaded"]) == 0
    assert methods.keys() == {"GET health", "GET recommend", "POST feedback"}


def test_the_key_is_sent(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(GorseServer(api_key="secret")) as url:
        monkeypatch.setenv("GORSE_SERVER_API_KEY", "secret")
        assert main(["gorse", "--url", url, *SHORT]) == 0
        monkeypatch.delenv("GORSE_SERVER_API_KEY")
        assert main(["gorse", "--url", url, *SHORT]) == 1
    assert "status 401; expected the answer of gorse v0.5.11" in capsys.readouterr().err
