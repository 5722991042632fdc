"""Cells of rows to the stream: what each rule says, through files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.errors import DataError
from streams.datasets.columns.cell_rules import MISSING, CellRules
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset

T = 1_500_000_000


def csv(
    tmp_path: Path, head: str, rows: list[str], columns: str = "", reading: CellRules | None = None
) -> Dataset:
    path = tmp_path / "r.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return load_dataset(DatasetSpec(str(path), columns=columns, cells=reading or CellRules()))


def has(dataset: Dataset, text: str) -> bool:
    return any(text in note for note in dataset.notes)


@pytest.mark.parametrize(
    "nothing", ["NA", "N/A", "NULL", "null", "nan", "NaN", "None", "\\N", "<NA>", "", " "]
)
def test_rows_without_a_user_are_counted_and_are_no_user(tmp_path: Path, nothing: str) -> None:
    users = [f"u{k % 4}" if k % 10 < 3 else nothing for k in range(100)]
    found = csv(tmp_path, "user,item,ts", [f"{user},i{k % 5},{T + k}" for k, user in enumerate(users)])
    assert len(found.interactions) == 30
    assert set(found.interactions.user) == {"u0", "u1", "u2", "u3"}
    assert has(found, f"70 of 100 rows have no user ({nothing.strip() or 'empty'} 70): left out")
    assert len(found.bad) == 70
    assert found.bad.first(1)[0].reason.startswith("no user")


def test_a_user_of_that_name_can_be_kept(tmp_path: Path) -> None:
    rows = [f"{user},i,{T}" for user in ("None", "null", "u", "NA")]
    kept = csv(tmp_path, "user,item,ts", rows, reading=CellRules(missing=MISSING - {"none", "null"}))
    assert sorted(kept.interactions.user) == ["None", "null", "u"]


def test_a_file_of_no_users_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"3 of 3 rows can't be read.*\n.*no user \(NA\)"):
        csv(tmp_path, "user,item,ts", [f"NA,i,{T}"] * 3)


def test_rows_without_an_item_are_left_out_alike(tmp_path: Path) -> None:
    found = csv(tmp_path, "user,item,ts", [f"u,{'i' if k < 2 else 'NULL'},{T + k}" for k in range(9)])
    assert len(found.interactions) == 2
    assert has(found, "7 of 9 rows have no item (NULL 7)")


def test_columns_are_joined_for_every_field(tmp_path: Path) -> None:
    found = csv(
        tmp_path,
        "visitor,day,clock,shop,sku,head,body,verb,object,word1,word2,taste,service",
        [
            "v1,2017-07-14,03:29:15,s,7,Nice,Works well,add to,cart,red,shoes,4,2",
            "v1,2017-07-15,03:29:15,s,8,,Fine,view,,,hat,5,",
            "v2,2017-07-14,,s,8,,Fine,view,,,hat,5,",
            "NA,2017-07-14,03:29:15,s,8,,Fine,view,,,hat,5,",
        ],
        "user=visitor+day,ts=day+clock,item=shop+sku,title=head+body,text=head+body,action=verb+object,"
        "query=word1+word2,rating=taste+service",
    )
    stream = found.interactions
    assert stream.user == ["v1+2017-07-14", "v1+2017-07-15"]
    assert stream.item == ["s+7", "s+8"]
    assert stream.ts_ms.tolist() == [1_500_002_955_000, 1_500_089_355_000]
    assert (stream.title, stream.text) == (["Nice Works well", "Fine"], ["Nice\n\nWorks well", "Fine"])
    assert (stream.action, stream.query) == (["cart", "view"], ["red shoes", "hat"])
    assert stream.rating.tolist() == [3.0, 5.0]
    assert has(found, "the rating is the mean of 2 columns")
    assert [row.reason for row in found.bad.first()] == ["no ts", "no user"]


def test_dates_and_times_of_parquet_are_joined(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user": ["u"] * 2, "item": ["a", "b"], "day": ["2017-07-14"] * 2, "clock": ["03:29:15", "23:00:00"]}
    )
    frame = frame.with_columns(pl.col("day").str.to_date(), pl.col("clock").str.to_time())
    for day in (pl.col("day"), pl.col("day").cast(pl.Datetime)):
        frame.with_columns(day).write_parquet(tmp_path / "d.parquet")
        found = load_dataset(DatasetSpec(str(tmp_path / "d.parquet"), columns="ts=day+clock"))
        assert found.interactions.ts_ms.tolist() == [1_500_002_955_000, 1_500_073_200_000]


GUISES: list[list[Any]] = [
    ["103", "29"], [103, 29], [103.0, 29.0], [b"103", b"29"], [" 103 ", "29 "], ["b'103'", "b'29'"],
    ["103.0", "29.00"],
]  # fmt: skip


@pytest.mark.parametrize("stream", GUISES)
@pytest.mark.parametrize("items", GUISES)
def test_ids_join_whatever_their_guise(tmp_path: Path, stream: list[Any], items: list[Any]) -> None:
    interactions, described = tmp_path / "s.parquet", tmp_path / "i.parquet"
    pl.DataFrame({"user": stream, "item": stream, "ts": [T, T + 1]}).write_parquet(interactions)
    pl.DataFrame({"item": items, "title": ["A", "B"]}).write_parquet(described)
    found = load_dataset(DatasetSpec(str(interactions), str(described), str(interactions)))
    assert found.interactions.item == ["103", "29"]
    assert found.items.keys() == found.users.keys() == {"103", "29"}


def test_integers_beyond_floats_stay_exact(tmp_path: Path) -> None:
    big = [2**53 + 1, 2**64 - 1, 10**25]
    path = tmp_path / "r.jsonl"
    path.write_text("".join(json.dumps({"user": each, "item": each, "ts": T}) + "\n" for each in big))
    assert sorted(load_dataset(DatasetSpec(str(path))).interactions.user) == sorted(map(str, big))


def test_leading_zeros_are_kept_and_told(tmp_path: Path) -> None:
    rows = [f"u,{item},{T}" for item in ("007", "7", "8")]
    found = csv(tmp_path, "user,item,ts", rows)
    assert set(found.interactions.item) == {"007", "7", "8"}
    assert has(found, "1 items occur with and without leading zeros, as '007' and '7'")
    one = csv(tmp_path, "user,item,ts", rows, reading=CellRules(ids="numeric"))
    assert set(one.interactions.item) == {"7", "8"}
    assert not has(one, "leading zeros")


def test_several_items_in_a_cell_are_never_one(tmp_path: Path) -> None:
    rows = [f"u{k};N{k} N{k + 1};{T + k}" for k in range(9)]
    with pytest.raises(DataError, match="item seems to hold several ids in one cell, as 'N0 N1'"):
        csv(tmp_path, "user;item;ts", rows)
    spread = csv(tmp_path, "user;item;ts", rows, reading=CellRules(lists="spread"))
    assert len(spread.interactions) == 18
    assert set(spread.interactions.item) == {f"N{k}" for k in range(10)}
    kept = csv(tmp_path, "user;item;ts", rows, reading=CellRules(lists="keep"))
    assert "N0 N1" in kept.interactions.item
    path = tmp_path / "r.jsonl"
    path.write_text(
        "".join(
            json.dumps({"user": "u", "item": ["a", "b"], "ts": T + k, "rating": k + 1}) + "\n"
            for k in range(3)
        )
    )
    lists = load_dataset(DatasetSpec(str(path)))
    assert sorted(zip(lists.interactions.item, lists.interactions.rating.tolist(), strict=True)) == [
        (item, rating) for item in "ab" for rating in (1.0, 2.0, 3.0)
    ]
    assert has(lists, "3 cells are lists of items")


def test_labelled_items_are_impressions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"item holds several ids with labels.*--map impressions=COLUMN"):
        csv(tmp_path, "user;item;ts", [f"u{k};N{k}-1 N{k + 1}-0;{T + k}" for k in range(9)])


def test_how_times_were_read_is_told(tmp_path: Path) -> None:
    def notes(cells: list[str], how: str = "auto") -> tuple[str, ...]:
        rows = [f'u,i{k},"{cell}"' for k, cell in enumerate(cells)]
        return csv(tmp_path, "user,item,ts", rows, reading=CellRules(times=how)).notes

    assert "r.csv: times read as YYYYMMDDHHMMSS, 2017-07-14 to 2017-07-14" in notes(["20170714032915"] * 3)
    assert any("read month first (--times day-first)" in note for note in notes(["01/02/2017"]))
    assert not any("doubt" in note for note in notes(["01/02/2017"], "day-first"))
    assert any("2 of 2 times lie before 1990" in note for note in notes(["1", "2"]))
    assert any("1 of 2 times lie in the future" in note for note in notes(["2017-01-01", "2999-01-01"]))


def test_times_before_1970_are_bad_rows_that_say_so(tmp_path: Path) -> None:
    found = csv(tmp_path, "user,item,ts", ["u,a,1969-07-20", "u,b,2017-01-01", "u,c,2017-01-02"])
    assert [row.reason for row in found.bad.first()] == ["'1969-07-20' lies outside the years 1970 to 9999"]


def test_a_field_can_be_left_out(tmp_path: Path) -> None:
    rows = [f"u,a,{T},4,hello,view"]
    whole = csv(tmp_path, "user,item,ts,rating,text,event", rows).interactions
    less = csv(tmp_path, "user,item,ts,rating,text,event", rows, "rating=,text=,action=").interactions
    assert (whole.rating.tolist(), whole.text, whole.action) == ([4.0], ["hello"], ["view"])
    assert (np.isnan(less.rating).tolist(), less.text, less.action) == ([True], None, None)


def test_ratings_in_words_cost_no_row(tmp_path: Path) -> None:
    found = csv(tmp_path, "user,item,ts,rating", [f"u,i{k},{T + k},{'AB'[k % 2]}" for k in range(6)])
    assert len(found.interactions) == 6
    assert np.isnan(found.interactions.rating).all()
    assert has(found, "ratings can't be read, such as 'A'")


def test_half_characters_are_mended_everywhere(tmp_path: Path) -> None:
    half = "\ud83d"
    path = tmp_path / "r.jsonl"
    row = {name: f"{name}{half}" for name in ("user", "item", "text", "title", "query", "action")} | {"ts": T}
    path.write_text(json.dumps(row) + "\n" + json.dumps({**row, "user": "v"}) + "\n")
    items, users = tmp_path / "i.jsonl", tmp_path / "u.jsonl"
    items.write_text(
        json.dumps(
            {"item": f"item{half}", "title": half, "text": half, "categories": [f"c{half}"], "tags": half}
        )
    )
    users.write_text(json.dumps({"user": f"user{half}", f"job{half}": f"x{half}"}))
    found = load_dataset(DatasetSpec(str(path), str(items), str(users)))
    repr((found.interactions, found.items, found.users)).encode()
    stream = found.interactions
    assert stream.item == ["item\ufffd"] * 2
    assert found.items.keys() == {"item\ufffd"}
    assert found.users == {"user\ufffd": {"job\ufffd": "x\ufffd"}}
    for column in (stream.user, stream.item, stream.text, stream.title, stream.query, stream.action):
        "".join(column or []).encode()
    assert has(found, "half of a character (a lone surrogate), which became U+FFFD")


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(["NA", "5", "2017-07-14", "4/5", "[1]"]),
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.fixed_dictionaries({"item": ODD, "ts": ODD, "rating": ODD, "text": ODD, "user": ODD}),
        min_size=1,
        max_size=8,
    )
)
def test_no_cells_give_a_traceback(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows or a `DataError`; all that reaches the core can be encoded."""
    path = tmp_path / "odd.jsonl"
    good = [{"user": "u", "item": f"i{k}", "ts": T + k, "rating": 3, "text": "t"} for k in range(8)]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*good, *rows]))
    for columns in ("", "impressions=item,clicked=rating"):
        try:
            found = load_dataset(DatasetSpec(str(path), str(path), str(path), columns))
        except DataError:
            continue
        stream = found.interactions
        for column in (stream.user, stream.item, stream.text or [], found.items, found.users):
            "".join(column).encode()
        assert all(1 <= len(each) <= 128 for each in (*stream.user, *stream.item))
        assert ((stream.rating >= 1) & (stream.rating <= 5) | np.isnan(stream.rating)).all()
        assert (np.diff(stream.ts_ms) >= 0).all()


def test_times_of_no_known_notation_name_the_option(tmp_path: Path) -> None:
    rows = [f"u,i{k},{k % 28 + 1} juillet 2017" for k in range(10)]
    with pytest.raises(DataError, match="'1 juillet 2017' is no time") as refused:
        csv(tmp_path, "user,item,ts", rows)
    assert "--times sets the notation of times" in str(refused.value)
    rows = [f"u,i{k},2017年7月{k + 1}日" for k in range(10)]
    assert (
        len(csv(tmp_path, "user,item,ts", rows, reading=CellRules(times="%Y年%m月%d日")).interactions) == 10
    )


def test_a_list_that_lacks_an_item_still_tells_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    rows = [{"user": "u", "item": [f"a{k}", None], "ts": T + k} for k in range(4)]
    rows.append({"user": "u", "item": [None], "ts": T})
    path.write_text("\n".join(map(json.dumps, rows)))
    found = load_dataset(DatasetSpec(str(path)))
    assert found.interactions.item == ["a0", "a1", "a2", "a3"]
    assert len(found.bad) == 1
    assert has(found, "4 items in lists are none or too long")
    assert has(found, "1 of 5 rows have no item")


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ([{"uri": "t:1", "pos": 0}], "pandas.json_normalize(rows, record_path='item', meta=[...])"),
        ({"key": "t:1", "pos": 0}, "--map item=item.key"),
    ],
)
def test_objects_are_no_ids(tmp_path: Path, cell: Any, advice: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(json.dumps({"user": "u", "item": cell, "ts": T + k}) for k in range(4)))
    with pytest.raises(DataError) as refused:
        load_dataset(DatasetSpec(str(path)))
    assert advice in str(refused.value)
