"""Metarank's requests: what arrives, in which order, and what a result says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.peers.__main__ import main
from tests.benchmarks.peers.metarank_server import MetarankServer
from tests.benchmarks.peers.serving import serving

SHORT = ["--events", "600", "--seconds", "0.3", "--warm", "0", "--clients", "2"]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[MetarankServer, list[str]]:
    """A server after a run, and the names of the run's cases."""
    metarank, out = MetarankServer(), tmp_path_factory.mktemp("metarank") / "it.json"
    with serving(metarank) as url:
        assert main(["metarank", "--url", url, *SHORT, "--json", str(out)]) == 0
    return metarank, [case["name"] for case in json.loads(out.read_text())["cases"]]


def test_a_model_is_trained_once_and_after_all_past_events(
    measured: tuple[MetarankServer, list[str]],
) -> None:
    metarank, _ = measured
    assert metarank.trained == [1_682 + 943 + 2 * 600]


def test_each_event_names_a_ranking_before_it_in_which_its_item_stands(
    measured: tuple[MetarankServer, list[str]],
) -> None:
    past = measured[0].events[: measured[0].trained[0]]
    assert [int(event.timestamp) for event in past] == sorted(int(event.timestamp) for event in past)
    described = {event.item for event in past if event.event == "item"}
    shown = {event.id: event for event in past if event.event == "ranking"}
    done = [event for event in past if event.event == "interaction"]
    assert len(done) == len(shown) == 600
    for event in done:
        ranking = shown[event.ranking or ""]
        items = [item.id for item in ranking.items]
        assert event.item in items
        assert len(set(items)) == len(items) > 1
        assert set(items) <= described
        assert (ranking.user, ranking.timestamp) == (event.user, event.timestamp)
    assert {event.type for event in done} == {"like", "rate"}


def test_rankings_have_as_many_different_candidates_as_asked(
    measured: tuple[MetarankServer, list[str]],
) -> None:
    metarank, names = measured
    sizes = {len({item.id for item in request.items}) for request in metarank.ranked}
    assert sizes == {100, 300}
    assert len({request.user for request in metarank.ranked}) > 5
    assert names == ["rank 100, 2 clients", "rank 300, 2 clients", "an event in, 2 clients"]


def test_events_in_are_clicks_with_ids_of_their_own(measured: tuple[MetarankServer, list[str]]) -> None:
    metarank, _ = measured
    clicks = metarank.events[metarank.trained[0] :]
    assert clicks
    assert len({click.id for click in clicks}) == len(clicks)
    assert {(click.event, click.type, click.ranking) for click in clicks} == {("interaction", "click", None)}


def test_a_model_that_is_not_configured_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(MetarankServer()) as url:
        assert main(["metarank", "--url", url, *SHORT, "--model", "other"]) == 1
    said = capsys.readouterr().err
    assert "POST /train/other" in said
    assert "status 404 and 'Model other is not defined in config'" in said


def test_a_model_that_is_not_trained_fails_each_ranking_by_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(MetarankServer()) as url:
        words = ["metarank", "--url", url, *SHORT, "--loaded", "--json", str(tmp_path / "it")]
        assert main(words) == 1
    rank, _, events = json.loads((tmp_path / "it").read_text())["cases"]
    assert rank["figures"]["status 500, requests"] == rank["figures"]["failed requests"] > 0
    assert "p50 ms" not in rank["figures"]
    assert events["figures"]["failed requests"] == 0
    assert "problem: rank 100, 2 clients: no request got the right answer" in capsys.readouterr().out


def test_more_candidates_than_items_end_before_the_load(capsys: pytest.CaptureFixture[str]) -> None:
    metarank = MetarankServer()
    with serving(metarank) as url:
        assert main(["metarank", "--url", url, *SHORT, "--candidates", "100,2000"]) == 1
    assert "--candidates 2000: there are 1,682 items" in capsys.readouterr().err
    assert metarank.events == []
