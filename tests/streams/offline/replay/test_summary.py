"""The figures of a replay, and the three places they are shown."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from model.errors import DataError
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset
from streams.datasets.tables.bad_rows import BadRows
from streams.offline.replay.options import ReplayOptions
from streams.offline.replay.report import write_report
from streams.offline.replay.result import Prediction, ReplayResult, columns_of
from streams.offline.replay.slates import SlateFile
from streams.offline.replay.summary import summarise
from streams.offline.replay.terminal import print_summary
from streams.ranking.slate import Reason, Slate, SlateItem

OUTCOMES = [
    Prediction(1_000, 0, 1, True, 1, 5, (3, 11), 4.0, 4.0),
    Prediction(2_000, 4, 9, True, 0, 0, (1, 2), 5.0, 3.0),
    Prediction(3_000, 5, 10, True, 2, 150, (30, 10)),
    Prediction(4_000, 20, 0, False, 0, 0, (0, 0), 2.0, 2.0),
]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    path = tmp_path / "d.csv"
    path.write_text("user,item,ts\na,<b>,1\na,c,2\n,x,3\n")
    return load_dataset(DatasetSpec(str(path)))


def result_of(predictions: list[Prediction]) -> ReplayResult:
    return ReplayResult(
        predictions=columns_of(predictions, ["popularity", "transitions"]),
        model="m <1>",
        events=8,
        warm_events=4,
        users=2,
        catalogue=10,
        pool=200,
        seed=7,
        seconds=2.0,
        warm_seconds=1.0,
        recommended={"headrace": 5, "popularity": 1},
        stage_seconds={"candidates": 0.5, "rescoring": 1.0},
        notes=("a <note>",),
    )


def test_figures_by_hand(dataset: Dataset) -> None:
    summary = summarise(dataset, ReplayOptions(), result_of(OUTCOMES))
    assert summary["events"] == {
        "all": 8,
        "warm": 4,
        "predicted": 4,
        "ranked": 3,
        "users": 2,
        "items": 10,
        "bad_rows": {"d.csv": 1},
    }
    assert summary["ranking"]["headrace"]["hr@10"]["value"] == pytest.approx(2 / 3)
    assert summary["ranking"]["headrace"]["ndcg@10"]["value"] == pytest.approx((1 + 1 / math.log2(3)) / 3)
    assert summary["ranking"]["headrace"]["mrr"]["value"] == pytest.approx(1.5 / 3)
    assert summary["ranking"]["transitions"]["hr@10"]["value"] == pytest.approx(2 / 3)
    assert summary["candidate_recall"]["10"]["value"] == pytest.approx(1 / 3)
    assert summary["candidate_recall"]["200"]["value"] == pytest.approx(2 / 3)
    assert summary["coverage@10"] == {"headrace": 0.5, "popularity": 0.1}
    assert summary["ratings"]["events"] == 3
    assert summary["ratings"]["rmse"]["value"] == pytest.approx(math.sqrt(4 / 3))
    assert summary["ratings"]["mae"]["value"] == pytest.approx(2 / 3)
    assert {name: part["events"] for name, part in summary["by_user_history"].items()} == {
        "0": 1,
        "1-4": 1,
        "5-19": 1,
    }
    assert {name: part["events"] for name, part in summary["by_item_events"].items()} == {"1-9": 2, "10+": 1}
    assert summary["speed"]["events_per_s"] == 2.0


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_few_events_are_shown_everywhere(dataset: Dataset, tmp_path: Path, count: int) -> None:
    """JSON without NaN, a table, and a page: from no event at all."""
    result = result_of(OUTCOMES[:count])
    summary = summarise(dataset, ReplayOptions(), result)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    out = io.StringIO()
    print_summary(Console(file=out, width=120), summary, dataset.bad)
    assert "HR@10" in out.getvalue()
    write_report(tmp_path / "r.html", "d.csv", summary, result.predictions, dataset.bad)
    assert (tmp_path / "r.html").stat().st_size > 1_000_000


def test_the_terminal_shows_bad_rows_and_notes_as_they_are(dataset: Dataset) -> None:
    out = io.StringIO()
    bad = BadRows()
    for line in range(8):
        bad.add("[bold]d.csv", line, "no user")
    print_summary(Console(file=out, width=200), summarise(dataset, ReplayOptions(), result_of(OUTCOMES)), bad)
    text = out.getvalue()
    assert "8 bad rows left out ([bold]d.csv: 8)" in text
    assert "[bold]d.csv:4: no user" in text
    assert "and 3 more; --bad-rows FILE lists all" in text
    assert "a <note>" in text


def test_the_report_works_offline_and_escapes_names(dataset: Dataset, tmp_path: Path) -> None:
    result = result_of(OUTCOMES)
    path = tmp_path / "r.html"
    write_report(
        path,
        "<script>alert(1)</script>",
        summarise(dataset, ReplayOptions(), result),
        result.predictions,
        dataset.bad,
    )
    page = path.read_text()
    assert "<script src=" not in page
    assert "<link" not in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "a &lt;note&gt;" in page
    assert page.count("Plotly.newPlot(") >= 6


def test_a_report_that_can_not_be_written(dataset: Dataset, tmp_path: Path) -> None:
    result = result_of(OUTCOMES)
    with pytest.raises(DataError, match="--report"):
        write_report(
            tmp_path / "no" / "r.html",
            "t",
            summarise(dataset, ReplayOptions(), result),
            result.predictions,
            dataset.bad,
        )


def test_slates_have_the_same_bytes_whenever_they_were_made(tmp_path: Path) -> None:
    def written(times: dict[str, float]) -> bytes:
        slate = Slate(
            "s", "u", 5, [SlateItem("i", 0.5, "popular", Reason("popular"))], "m", "full", times=times
        )
        with SlateFile(tmp_path / "slates.jsonl") as file:
            file.write(slate)
            file.write(slate)
        return (tmp_path / "slates.jsonl").read_bytes()

    first = written({"pushed": 1.0})
    assert first == written({"applied": 3.0, "pushed": 2.0})
    lines: list[dict[str, Any]] = [json.loads(line) for line in first.splitlines()]
    assert len(lines) == 2
    assert lines[0]["items"][0][0] == "i"
    with pytest.raises(DataError, match="--slates"):
        SlateFile(tmp_path / "no" / "slates.jsonl")
