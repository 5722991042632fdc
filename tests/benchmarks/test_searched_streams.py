"""Streams with searches: who tells one, who is predicted, and what is known of items."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.searched_streams import Moment, cities, musical, touches, trivago
from tests.benchmarks.test_search_quality import KINDS, purchases

CLICKOUT, IMAGE = "clickout item", "interaction item image"
PLACE, BY_NAME = "search for destination", "search for item"


def reviews(folder: Path) -> Path:
    rows = [
        {
            "reviewerID": each.user,
            "asin": each.item,
            "unixReviewTime": each.ts_ms // 1_000,
            "reviewText": each.text,
        }
        for each in purchases()
    ]
    with zipfile.ZipFile(folder / "r.zip", "w") as archive:
        archive.writestr("r.json", "\n".join(map(json.dumps, rows)))
    return folder / "r.zip"


def session(*steps: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"session_id": "s", "user_id": "u", "timestamp": 100 + k, "step": k, "action_type": does,
         "reference": what, "city": "Rome, Italy", "impressions": None}
        for k, (does, what) in enumerate(steps)
    ]  # fmt: skip


@pytest.mark.parametrize("told", [0.0, 0.5, 1.0])
def test_a_share_of_purchases_tells_a_query_and_the_others_keep_it(tmp_path: Path, told: float) -> None:
    made = musical(reviews(tmp_path), told)
    telling = sum(bool(each.query) for each in made.moments)
    assert telling == pytest.approx(told * len(made.moments), abs=25)
    for each in made.moments:
        assert each.alone == (not each.query)
        assert (each.query or each.intent) in KINDS


def test_texts_are_of_the_first_half_alone(tmp_path: Path) -> None:
    made = musical(reviews(tmp_path), 0.5)
    half = [each.item for each in made.moments[: len(made.moments) // 2]]
    for item, text in made.texts.items():
        assert text.count("special") == half.count(item)


def test_a_stream_is_a_dataset_row_by_row(tmp_path: Path) -> None:
    made = musical(reviews(tmp_path), 0.5)
    rows = made.dataset().interactions
    assert rows.query is not None
    read = zip(rows.user, rows.item, rows.ts_ms.tolist(), rows.query, strict=True)
    assert list(read) == [each[:4] for each in made.moments]


def test_the_first_touch_after_a_search_tells_it_and_the_next_ones_are_alone() -> None:
    steps = session((IMAGE, "1"), (PLACE, "Rome"), (IMAGE, "2"), (IMAGE, "2"), (CLICKOUT, "3"), (IMAGE, "2"))
    told = [(each.item, each.query, each.alone) for each in touches(steps)]
    assert told == [("1", "", True), ("2", "Rome", False), ("3", "", True), ("2", "", True)]


def test_a_later_search_takes_the_place_of_an_earlier_one() -> None:
    steps = session((PLACE, "Rome"), ("search for poi", "Colosseum"), (IMAGE, "2"))
    assert list(touches(steps)) == [Moment("u", "2", 102_000, "Colosseum")]


def test_what_was_searched_for_by_name_is_not_predicted() -> None:
    steps = session((BY_NAME, "7"), (IMAGE, "7"), (IMAGE, "8"))
    assert [(each.item, each.alone) for each in touches(steps)] == [("7", False), ("8", True)]


def test_references_that_name_no_hotel_are_no_touches() -> None:
    assert not list(touches(session(("filter selection", "5"), (IMAGE, "unknown"))))


def test_a_search_ends_with_its_session(tmp_path: Path) -> None:
    rows = session((PLACE, "Rome"))
    rows += [{**row, "session_id": "t", "timestamp": 200} for row in session((CLICKOUT, "4"))]
    rows[-1]["impressions"] = "4|5"
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    parquet.write_table(table, tmp_path / "t.parquet")
    made = trivago(tmp_path / "t.parquet")
    assert made.moments == [Moment("u", "4", 200_000, "", alone=True)]
    assert made.texts == {"4": "Rome, Italy", "5": "Rome, Italy"}


def test_a_hotel_is_of_the_city_that_shows_it_most() -> None:
    shown = [{"city": city, "impressions": "1|2"} for city in ("Rome", "Ostia", "Rome")]
    assert cities([*shown, {"city": "Ostia", "impressions": "2"}, {"city": "Ostia", "impressions": "2"}]) == {
        "1": "Rome",
        "2": "Ostia",
    }
