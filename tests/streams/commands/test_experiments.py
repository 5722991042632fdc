"""`headrace experiments` as a newcomer uses it: tables for people, JSON for programs, errors that help."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streams.commands.experiments_output import toml
from streams.commands.main import FAILED, main
from streams.experiments.arm_totals import fields_of, terms_of
from streams.settings.reading import load
from streams.settings.tree import Settings
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from streams.stores.redis import store as redis_store
from tests.streams.experiments.sums import increments

INTERLEAVED = """
[experiments.apart]
hypothesis = "Users like short lists of popular items."
design = "interleaved"
control = "plain"
primary = "preference"
users = 500
minimum_effect = 0.1

[experiments.apart.arms.plain]

[experiments.apart.arms.short]
[experiments.apart.arms.short.stages.candidates]
sources = ["popular"]
"""
FILE = """\
[experiments.length]
hypothesis = "A short slate is read to its end."
control = "plain"
primary = "click_through"
users = 1000
minimum_effect = 0.05

[experiments.length.arms.plain]

[experiments.length.arms.short]
weight = 3
[experiments.length.arms.short.stages.feed]
size = 5
task_weights = {like = 0.5}
"""

Run = Callable[..., str]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """In the place of the deployment's."""
    store = MemoryStore()
    monkeypatch.setattr(redis_store, "RedisStore", lambda *_: store)
    return store


@pytest.fixture
def run(
    store: MemoryStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    settings = tmp_path / "settings.toml"
    settings.write_text(FILE.replace("length", "of-file").replace('"plain"', '"plain"\nlayer = "length"'))

    monkeypatch.setenv("COLUMNS", "200")

    def ran(*words: str, status: int = 0, file: bool = False) -> str:
        more = ["--settings", str(settings)] if file else []
        assert main(["experiments", *words, *more]) == status
        printed = capsys.readouterr()
        return printed.out if status == 0 else printed.out + printed.err

    return ran


@pytest.fixture
def declared(tmp_path: Path) -> str:
    path = tmp_path / "length.toml"
    path.write_text(FILE)
    return str(path)


def test_the_way_of_a_newcomer(run: Run, declared: str) -> None:
    assert "no experiment is declared" in run("list")
    assert run("declare", declared) == "length: declared (entry 1 of the log)\n"
    assert run("start", "length", "--by", "ann").startswith("length: started")
    listed = run("list")
    assert all(word in listed for word in ("length", "running", "plain 25%, short 75%", "click_through"))
    shown = run("show", "length")
    assert all(
        word in shown for word in ("A short slate is read to its end.", "control", '"size": 5', "75.0%")
    )
    assert run("stop", "length", "--arm", "short", "--because", "worse") == (
        "length: stop-arm, arm short (entry 3 of the log)\n"
    )
    assert "stopped" in run("show", "length")
    assert run("stop", "length") == "length: stopped (entry 4 of the log)\n"
    assert run("remove", "length", "--because", "tidied") == "length: removed (entry 5 of the log)\n"
    assert "no experiment is declared" in run("list")
    assert "was removed" in run("show", "length", status=FAILED)
    assert "a name is used once" in run("declare", declared, status=FAILED)
    log = run("audit")
    assert all(word in log for word in ("ann", "stop-arm", "worse", "5 entries, each as it was written"))


def test_an_interleaved_one(run: Run, tmp_path: Path, store: MemoryStore) -> None:
    path = tmp_path / "apart.toml"
    path.write_text(INTERLEAVED)
    assert run("declare", str(path)) == "apart: declared (entry 1 of the log)\n"
    run("start", "apart")
    assert "plain and short, interleaved" in run("list")
    assert "nobody has voted" in run("show", "apart")
    preference = Settings().known_metrics["preference"]
    values = [(1, 1, 0, 1)] * 30 + [(-1, 1, 0, 1)] * 4 + [(0, 1, 0, 1)] * 6
    numbers = [sum(each) for each in zip(*map(terms_of, values), strict=True)]
    fields = dict(zip(fields_of("plain+short", preference.key), numbers, strict=True))
    asyncio.run(store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"apart": fields}), "w"))
    assert "users prefer short to plain: short has 88.2% of the votes" in run("show", "apart")
    reading = json.loads(run("show", "apart", "--json"))["reading"]
    assert (reading["for_arm"], reading["for_control"], reading["undecided"]) == (30, 4, 6)
    page = tmp_path / "page.html"
    run("show", "apart", "--page", str(page))
    assert "users prefer short to plain" in page.read_text()
    assert run("ship", "apart", "--arm", "short").startswith("apart: shipped")


def test_what_it_has_come_to(run: Run, declared: str, store: MemoryStore, tmp_path: Path) -> None:
    run("declare", declared)
    page = tmp_path / "length.html"
    assert "start it" in run("show", "length", "--page", str(page), status=FAILED)
    nowhere = str(tmp_path / "none" / "length.html")
    assert f"--page {nowhere}: the folder" in run("show", "length", "--page", nowhere, status=FAILED)
    assert json.loads(run("show", "length", "--json"))["reading"] is None
    run("start", "length")
    click_through = Settings().known_metrics["click_through"]
    fields = increments(click_through, {"plain": 0.1}, 500) | increments(click_through, {"short": 0.2}, 1_500)
    asyncio.run(store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"length": fields}), "w"))
    assert "short is better than plain" in run("show", "length", "--page", str(page))
    assert "short is better than plain" in page.read_text()
    reading = json.loads(run("show", "length", "--json"))["reading"]
    assert reading["primary"][0]["state"] == "better"
    assert reading["mismatch"]["users"] == {"plain": 500, "short": 1_500}


def test_what_is_shipped_can_be_pasted(run: Run, declared: str, tmp_path: Path) -> None:
    run("declare", declared)
    run("start", "length")
    said = run("ship", "length", "--arm", "short")
    assert "headrace experiments stop length" in said
    pasted = said[said.index("[feed]") : said.index("\n\nOnce")]
    (tmp_path / "pasted.toml").write_text(pasted)
    feed = load(tmp_path / "pasted.toml", {}).feed
    assert (feed.size, feed.task_weights) == (5, {"like": 0.5})


def test_what_the_settings_file_declares_need_not_be_declared(run: Run) -> None:
    assert "(settings file)" in run("list", file=True)
    assert "of-file" not in run("list")
    assert run("start", "of-file", file=True).startswith("of-file: started")
    assert "running" in run("list")


def test_what_changed_in_the_settings_file_is_declared_anew(run: Run, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(settings.read_text().replace("weight = 3", "weight = 9"))
    assert "short 90%" in run("list", file=True), "what has not started is as the file says"
    run("start", "of-file", file=True)
    assert run("declare", file=True) == "nothing is new\n"
    settings.write_text(settings.read_text().replace("weight = 9", "weight = 1"))
    assert run("declare", file=True) == "of-file: changed (entry 2 of the log)\n"
    assert "phase 2" in run("show", "of-file")
    settings.write_text(settings.read_text().replace("users = 1000", "users = 10"))
    assert "which is fixed since the experiment runs" in run("declare", file=True, status=FAILED)


def test_a_file_is_declared_whole_or_not_at_all(run: Run, declared: str) -> None:
    run("declare", declared)
    bare = FILE.replace("task_weights = {like = 0.5}\n", "")
    other = bare.replace("length", "other").replace("size = 5", "fresh_place = 5")
    more = bare.replace("length", "more")
    Path(declared).write_text(other + more)
    assert "more.arms.short.stages.feed.size" in run("declare", declared, status=FAILED)
    assert [each["name"] for each in json.loads(run("list", "--json"))] == ["length"]


def test_what_a_file_declares_hides_nothing_that_runs(run: Run, declared: str) -> None:
    """Both touch the same setting, in layers of their own: the one that is not started yet can't start."""
    Path(declared).write_text(FILE.replace("length", "apart"))
    run("declare", declared)
    run("start", "apart")
    assert all(name in run("list", file=True) for name in ("apart", "of-file"))
    assert "put both into one layer" in run("start", "of-file", file=True, status=FAILED)


def test_json_for_programs(run: Run, declared: str) -> None:
    assert json.loads(run("list", "--json")) == []
    entry: dict[str, Any] = json.loads(run("declare", declared, "--json", "--by", "ann"))
    assert (entry["number"], entry["action"], entry["actor"]) == (1, "declare", "ann")
    run("start", "length", "--json")
    (listed,) = json.loads(run("list", "--json"))
    assert (listed["state"], listed["key"], listed["arms"]["short"]["share"]) == ("running", "length", 0.75)
    assert json.loads(run("show", "length", "--json"))["declared"]["users"] == 1_000
    assert json.loads(run("audit", "--json"))["verdict"]["whole"]


def test_a_broken_log_is_named_and_the_status_says_so(run: Run, declared: str, store: MemoryStore) -> None:
    run("declare", declared)
    run("start", "length")
    store._experiments_log[0] = store._experiments_log[0].replace(b"1000", b"9000")
    assert "BROKEN at entry 1: its content is not what its digest names" in run("audit", status=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("start", "no"), "experiment 'no' is not declared; expected one of none: declare it first"),
        (("show", "no"), "is not declared"),
        (("stop", "no"), "is not declared"),
        (("declare", "no.toml"), "file no.toml: No such file or directory"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(run: Run, words: tuple[str, ...], said: str) -> None:
    assert said in run(*words, status=FAILED)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("size = 5", "sise = 5", "stages.feed.sise (line 13): expected one of"),
        ("users = 1000", "users = -1", "experiments.length.users (line 5): expected `int` >= 1, got -1"),
        ("weight = 3", 'model = "no"', "experiments.length.arms.short.model (line 11): expected a model of"),
        ('"click_through"', '"sighs"', "experiments.length.primary (line 4): expected one of"),
        ("[experiments.length]", "[feed]\nsize = 5\n[experiments.length]", "[experiments.NAME] alone"),
        ("control = ", "control ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(
    run: Run, declared: str, store: MemoryStore, was: str, becomes: str, said: str
) -> None:
    Path(declared).write_text(FILE.replace(was, becomes))
    assert said in run("declare", declared, status=FAILED)
    assert store._experiments is None


def test_toml_of_every_kind_of_value() -> None:
    tree = {"candidates": {"sources": ["a", "b"]}, "rescoring": {"enabled": False}, "feed": {"size": 5}}
    assert tomllib.loads("\n".join(toml(tree))) == tree
