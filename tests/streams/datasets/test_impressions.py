"""Slates that were shown become impressions, followed by their clicks; both reach the core."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import DataError
from model.schema import F32
from streams.datasets.columns.cell_rules import CellRules, parse_missing
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset
from streams.datasets.impressions import Slate, attached
from streams.events.schema import Click, Impression, UserEvent
from streams.learning.kept_slates import UserSlates
from streams.learning.steps import ShowingStep
from streams.offline.stream_driver import Prequential, Stream
from streams.recommender import Folded, Recommender
from streams.settings.tree import Settings
from streams.state.fold import Delivery
from streams.state.user_state import UserState
from tests.streams.datasets.readable import shared

# user, second, shown, clicked
SLATES = [
    ("u1", 10, ["a", "b", "c"], ["b"]),
    ("u2", 20, ["a", "d"], []),
    ("u1", 30, ["e", "a"], ["e", "a"]),
    ("u2", 40, ["b", "f"], ["f"]),
    ("u3", 50, ["a"], []),
]


def write(path: Path, layout: str) -> str:
    """The slates as one of the layouts; the `--map` that reads it."""
    base = 1_500_000_000
    if layout == "labels":
        rows = [
            f"{user}\t{base + at}\t" + " ".join(f"{i}-{int(i in clicked)}" for i in shown)
            for user, at, shown, clicked in SLATES
        ]
        path.write_text("\n".join(["who\twhen\tslate_of_items", *rows]))
        return "user=who,ts=when,impressions=slate_of_items"
    if layout == "pairs":
        lines = [
            {"user": user, "ts": base + at, "shown": {i: int(i in clicked) for i in shown}}
            for user, at, shown, clicked in SLATES
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return "impressions=shown"
    if layout == "json":
        lines = [
            {"user": user, "ts": base + at, "shown": shown, "hit": clicked}
            for user, at, shown, clicked in SLATES
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return "impressions=shown,clicked=hit"
    if layout == "flags":
        rows = [
            f"{user};{base + at};{json.dumps(shown)};{[int(i in clicked) for i in shown]}".replace('"', "'")
            for user, at, shown, clicked in SLATES
        ]
        path.write_text("\n".join(["user;ts;shown;hit", *rows]))
        return "impressions=shown,clicked=hit"
    if layout == "bars":
        rows = [
            f"{user},{base + at},{'|'.join(shown)},{'|'.join(clicked)}" for user, at, shown, clicked in SLATES
        ]
        path.write_text("\n".join(["user,ts,shown,hit", *rows]))
        return "impressions=shown,clicked=hit"
    if layout == "parquet":
        columns = list(zip(*SLATES, strict=True))
        frame = {
            "user": columns[0],
            "ts": [base + at for at in columns[1]],
            "shown": columns[2],
            "hit": columns[3],
        }
        pl.DataFrame({name: list(column) for name, column in frame.items()}).write_parquet(path)
        return "impressions=shown,clicked=hit"
    rows = [
        f"{user},{base + at},{i},{i in clicked},s{at}" for user, at, shown, clicked in SLATES for i in shown
    ]
    path.write_text("\n".join(["user,ts,item,hit,page", *rows]))
    return {"rows": "clicked=hit", "rows as slates": "impressions=item,clicked=hit,slate=page"}[layout]


LAYOUTS = ["labels", "pairs", "json", "flags", "bars", "parquet", "rows", "rows as slates"]


def loaded(tmp_path: Path, layout: str) -> Dataset:
    path = tmp_path / "data"
    return load_dataset(DatasetSpec(str(path), columns=write(path, layout)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_impressions_and_clicks(tmp_path: Path, layout: str) -> None:
    dataset = loaded(tmp_path, layout)
    stream = dataset.interactions
    base = 1_500_000_000_000
    clicks = set(zip(stream.user, stream.item, (stream.ts_ms - base).tolist(), strict=True))
    assert clicks == {("u1", "b", 10_000), ("u1", "e", 30_000), ("u1", "a", 30_000), ("u2", "f", 40_000)}
    assert stream.action == ["click"] * 4
    assert stream.shown is not None
    shown = [
        [(each.number, each.user, each.ts_ms - base, each.items) for each in slates]
        for slates in stream.shown
    ]
    assert shown == [
        [(0, "u1", 10_000, ("a", "b", "c"))],
        [(1, "u2", 20_000, ("a", "d")), (2, "u1", 30_000, ("e", "a"))],
        [],
        [(3, "u2", 40_000, ("b", "f"))],
    ]
    ids = {each.slate_id for slates in stream.shown for each in slates}
    assert len(ids) == 4
    assert set(stream.slate or []) < ids
    assert any("5 impressions of 10 items, 4 clicks" in note for note in dataset.notes)
    assert any("1 impressions come after the last click" in note for note in dataset.notes)
    assert len(dataset.bad) == 0


def test_the_core_gets_impressions_and_then_their_clicks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = loaded(tmp_path, "labels").interactions
    core = Recommender(Settings())
    run = Prequential(core, Stream(stream, {}, {}))
    applied: list[UserEvent | Impression] = []
    apply, show = core.apply, core.show

    def noted(
        state: UserState,
        event: UserEvent,
        delivery: Delivery,
        words: F32 | None,
        kept: UserSlates,
        searched: F32 | None,
    ) -> Folded:
        applied.append(event)
        return apply(state, event, delivery, words, kept, searched=searched)

    def noted_too(kept: UserSlates, event: Impression) -> ShowingStep:
        applied.append(event)
        return show(kept, event)

    monkeypatch.setattr(core, "apply", noted)
    monkeypatch.setattr(core, "show", noted_too)
    while run.at < len(stream):
        run.learn()
    told = [
        (event.user_id, tuple(event.items) if isinstance(event, Impression) else event.item_id)
        for event in applied
        if isinstance(event, Impression | Click)
    ]
    assert told[:2] == [("u1", ("a", "b", "c")), ("u1", "b")]
    assert told[2:4] == [("u2", ("a", "d")), ("u1", ("e", "a"))]
    assert told[-2:] == [("u2", ("b", "f")), ("u2", "f")]
    click = next(event for event in applied if isinstance(event, Click))
    first = next(event for event in applied if isinstance(event, Impression))
    assert click.slate_id == first.slate_id
    assert core.counters.popularity.events[core.catalog.rows["d"]] == 0
    assert [slate.slate_id for slate in run.slates["u1"].slates] == [
        event.slate_id for event in applied if isinstance(event, Impression) and event.user_id == "u1"
    ]


def test_a_rows_own_item_is_the_click_where_no_other_column_tells(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("user,item,ts,shown\nu,b,1,a|b\nu,New York,2,\nu,c,3,a|b\n")
    dataset = load_dataset(DatasetSpec(str(path), columns="impressions=shown"))
    assert dataset.interactions.item == ["b", "New York", "c"]
    assert [len(each) for each in dataset.interactions.shown or []] == [1, 0, 1]
    assert any("1 clicks are on items that their slate does not have" in note for note in dataset.notes)


def test_text_beside_no_slate_is_one_id(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("user,ts,shown,hit\nu,1,5|6,5\nu,2,,Los Angeles\nu,3,5|6,5 6\n")
    dataset = load_dataset(DatasetSpec(str(path), columns="impressions=shown,clicked=hit"))
    assert sorted(dataset.interactions.item) == ["5", "5", "6", "Los Angeles"]


def test_ids_that_are_1_and_0_are_not_taken_for_flags(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("user,ts,shown,hit\n" + "".join(f"u,{k},0|1|{k},1\n" for k in range(5, 15)))
    stream = load_dataset(DatasetSpec(str(path), columns="impressions=shown,clicked=hit")).interactions
    assert stream.item == ["1"] * 10


def test_long_slates_and_bad_rows_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    many = " ".join(f"i{k}-0" for k in range(250))
    path.write_text(f"user,ts,shown\nu,1,{many}\nNA,2,a-1\nu,3,\nu,soon,b-1\nu,4,b-1\nu,5,c-1\nu,6,c-1\n")
    dataset = load_dataset(DatasetSpec(str(path), columns="impressions=shown"))
    assert len((dataset.interactions.shown or [])[0][0].items) == 200
    assert any("1 slates are longer than 200 items: cut" in note for note in dataset.notes)
    assert [str(row) for row in dataset.bad.first()] == [
        "s.csv:3: no user (NA)",
        "s.csv:4: no item",
        "s.csv:5: 'soon' is no time (unix seconds)",
    ]


def test_rows_without_a_shown_item_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("user,item,ts,hit\nu,NA,1,0\nu,a,1,1\nu,b,1,0\n")
    dataset = load_dataset(DatasetSpec(str(path), columns="clicked=hit"))
    assert [each.items for each in (dataset.interactions.shown or [])[0]] == [("a", "b")]
    assert [str(row) for row in dataset.bad.first()] == ["s.csv:2: no item"]


def test_slates_without_clicks_teach_nothing_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("user,ts,shown\nu,1,a b\nu,2,b c\n")
    with pytest.raises(DataError, match="2 impressions of 4 items, 0 clicks: no clicks"):
        load_dataset(DatasetSpec(str(path), columns="impressions=shown"))
    path.write_text("user,item,ts,hit\nu,a,1,maybe\nu,b,2,1\n")
    with pytest.raises(DataError, match=r"expected 1 or 0 in each row.*got 'maybe'"):
        load_dataset(DatasetSpec(str(path), columns="clicked=hit"))


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=15),
    st.lists(st.integers(0, 20), max_size=15),
)
def test_no_impression_comes_after_a_later_event(slates: list[tuple[int, bool]], events: list[int]) -> None:
    """Each is attached once or counted, and never behind an event that is later than it."""
    times = np.array(sorted(events), np.int64)
    shown = [Slate(row, f"s{row}", ("a",)) for row in range(len(slates))]
    ts_ms = np.array([at for at, _ in slates], np.int64)
    first = {
        f"s{row}": int(np.searchsorted(times, at))
        for row, (at, clicked) in enumerate(slates)
        if clicked and at <= times.max(initial=-1)
    }
    before, late = attached(shown, ["u"] * len(slates), ts_ms, first, times)
    assert sum(map(len, before)) + late == len(slates)
    for at, each in zip(times, before, strict=True):
        assert all(slate.ts_ms <= at for slate in each)
    numbers = [slate.number for each in before for slate in each]
    assert numbers == sorted(numbers)


def test_trivago_clickouts() -> None:
    dataset = load_dataset(
        DatasetSpec(
            shared("trivago-2019/trivago_val_100k.parquet"),
            columns="item=reference,action=action_type,impressions=impressions",
        )
    )
    stream = dataset.interactions
    assert len(stream) == 100_003
    slates = [each for slates in stream.shown or [] for each in slates]
    assert len(slates) == 13_597
    assert sum(len(slate.items) for slate in slates) == 312_539
    first = np.mean(
        [
            slates_of[-1].items[0] == item
            for slates_of, item, slate in zip(
                stream.shown or [], stream.item, stream.slate or [], strict=True
            )
            if slate and slates_of
        ]
    )
    assert 0.25 < first < 0.37


def test_slates_without_a_name_are_called_by_their_rows(tmp_path: Path) -> None:
    file = tmp_path / "slates.tsv"
    rows = [f"u{k}\t{1_500_000_000 + k}\tN1-1 N2-0" for k in range(3)]
    file.write_text("\n".join(["user\tts\tshown", *rows]))
    read = load_dataset(DatasetSpec(str(file), columns="impressions=shown")).interactions
    assert read.slate == ["row-2", "row-3", "row-4"]


@pytest.mark.parametrize("clicks", [["0", "1", "2"], ["-1", "-1", "a1"]])
def test_clicked_places_are_no_ids(tmp_path: Path, clicks: list[str]) -> None:
    file = tmp_path / "slates.csv"
    rows = [f"u{k},{1_500_000_000 + k},a{k}|b{k}|c{k},{clicks[k % 3]}" for k in range(9)]
    file.write_text("\n".join(["user,ts,shown,clicked", *rows]))
    with pytest.raises(DataError, match="clicked ids are not in their slates"):
        load_dataset(DatasetSpec(str(file), columns="impressions=shown,clicked=clicked"))


def test_a_click_outside_of_its_slate_names_the_option(tmp_path: Path) -> None:
    file = tmp_path / "slates.csv"
    rows = [f"u{k},{1_500_000_000 + k},a|b|c,{'-1' if k == 4 else 'b'}" for k in range(9)]
    file.write_text("\n".join(["user,ts,shown,clicked", *rows]))
    columns = "impressions=shown,clicked=clicked"
    notes = " ".join(load_dataset(DatasetSpec(str(file), columns=columns)).notes)
    assert "1 clicks are on items that their slate does not have, as '-1' (--missing=+-1" in notes
    rules = CellRules(missing=parse_missing("+-1"))
    assert "-1" not in load_dataset(DatasetSpec(str(file), columns=columns, cells=rules)).interactions.item
