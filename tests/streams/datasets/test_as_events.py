"""Rows of a dataset as events: what they hold comes over the wire and is understood there."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streams.datasets.as_events import event_of, item_of, left_out, profile_of, reviews_of, texts_of_events
from streams.datasets.dataset import DatasetSpec, load_dataset
from streams.datasets.interactions import Interactions
from streams.datasets.item_texts import ItemText
from streams.events.schema import Click, EventLimits, Review, decode, encode

NOTHING = float("nan")


def one(rating: float = NOTHING, **columns: str) -> Interactions:
    further: dict[str, Any] = {name: [value] for name, value in columns.items()}
    return Interactions(["u"], ["i"], np.array([5]), np.array([rating], np.float32), **further)


def click(**told: Any) -> Click:
    return Click(event_id="7", ts=5, user_id="u", item_id="i", **told)


def review(**told: Any) -> Review:
    return Review(event_id="7", ts=5, user_id="u", item_id="i", **told)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (one(action="cart", query="red"), click(action="cart", query="red")),
        (one(query=""), click()),
        (one(), review()),
        (one(4.5, action="cart", query="red"), review(rating=4.5)),
        (
            one(action="cart", text="Fine.", title="Good"),
            review(title="Good", text="Fine."),
        ),
        (one(action="view", text=" ", title=""), click(action="view")),
        (one(3.0, title="Alien (1979)"), review(rating=3.0)),
    ],
)
def test_a_row_is_the_event_that_an_app_would_send(events: Interactions, expected: Click | Review) -> None:
    event = event_of(events, 0, "7")
    assert event == expected
    assert decode(encode(event), 5, EventLimits()) == event


def test_what_no_event_carries_is_said() -> None:
    assert left_out(one(3.0)) == ()
    assert left_out(one(action="cart", query="red")) == ()
    (note,) = left_out(one(3.0, title="Alien (1979)"))
    assert note.startswith("titles are left out")
    reviews, searches = left_out(one(3.0, action="cart", query="red"))
    assert reviews == "1 rows with a rating or a text are reviews, whatever their action says"
    assert searches.startswith("1 searches are left out")


def test_the_texts_of_rows() -> None:
    events = Interactions(
        ["u"] * 3, ["a", "b", "c"], np.arange(3), np.full(3, np.nan, np.float32),
        text=["Fine.", "", " "], title=["Good", "", ""], action=["view"] * 3, query=["x", "y", ""],
    )  # fmt: skip
    assert list(texts_of_events(events)) == ["Good. Fine.", "y"]
    assert reviews_of(events) == ["Good. Fine.", "", ""]
    assert reviews_of(events, 1) == ["Good. Fine."]
    assert reviews_of(one(3.0)) == [""]


def test_items_and_profiles_come_over_the_wire() -> None:
    known = ItemText("T", "Text.", ("a",), ("b", "c"), 2.5, array("d", [1.0, -2.0]))
    item = item_of("i", known, 9)
    assert decode(encode(item), 9, EventLimits()) == item
    assert (item.image_vector, item.audio_vector, item.price) == ([1.0, -2.0], None, 2.5)
    profile = profile_of("u", {"age": "7"}, 9)
    assert decode(encode(profile), 9, EventLimits()) == profile


def test_vectors_are_read_from_the_items_file(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,item,ts\nu,a,1700000000\nu,b,1700000001\n")
    (tmp_path / "items.csv").write_text(
        'item,title,image_vector,sound\na,A,"[0.5, -1]",1 2 3\nb,B,nonsense,\nc,C,"0.5,2",4|5|6\n'
    )
    events, items = str(tmp_path / "events.csv"), str(tmp_path / "items.csv")
    dataset = load_dataset(DatasetSpec(events, items, columns="audio_vector=sound"))
    found = [(list(each.image_vector), list(each.audio_vector)) for each in dataset.items.values()]
    assert found == [([0.5, -1.0], [1, 2, 3]), ([], []), ([0.5, 2.0], [4, 5, 6])]
    said = "\n".join(dataset.notes)
    assert "image_vector of 2 numbers (2 items); used where model.image_dim is their length" in said
    assert "audio_vector of 3 numbers (2 items); used where model.audio_dim is their length" in said
    assert "1 cells of image_vector are no vector" in said
