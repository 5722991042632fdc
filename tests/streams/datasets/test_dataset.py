"""From files to a dataset: made ones for the rules, real ones for the readers."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.errors import DataError
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset
from streams.datasets.interactions import Interactions, in_time_order
from streams.datasets.item_texts import ItemText
from tests.streams.datasets.readable import ml_100k, shared


def load(
    tmp_path: Path, interactions: str, columns: str = "", items: str | None = None, users: str | None = None
) -> Dataset:
    """A dataset of CSV files with these contents."""

    def path(name: str, content: str | None) -> str | None:
        if content is None:
            return None
        (tmp_path / name).write_text(content, encoding="utf-8")
        return str(tmp_path / name)

    stream = str(path("interactions.csv", interactions))
    return load_dataset(DatasetSpec(stream, path("items.csv", items), path("users.csv", users), columns))


ROWS = [("u1", "a", 30, 4.0), ("u2", "b", 10, 5.0), ("u1", "c", 20, 1.0)]
SORTED = [("u2", "b", 10_000, 5.0), ("u1", "c", 20_000, 1.0), ("u1", "a", 30_000, 4.0)]


def rows_of(interactions: Interactions) -> list[tuple[str, str, int, float]]:
    return list(
        zip(
            interactions.user,
            interactions.item,
            interactions.ts_ms.tolist(),
            interactions.rating.tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "zip", "jsonl", "parquet", "dat"])
def test_every_format_gives_the_same_stream(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"data.{kind}"
    csv = "user,item,ts,rating\n" + "".join(f"{u},{i},{t},{r}\n" for u, i, t, r in ROWS)
    columns = ""
    if kind == "csv":
        path.write_text(csv)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(csv.encode()))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("deep/data.csv", csv)
    elif kind == "jsonl":
        names = ("userId", "itemId", "timestamp", "overall")
        path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in ROWS))
    elif kind == "parquet":
        pl.DataFrame(ROWS, schema=["user", "item", "ts", "rating"], orient="row").write_parquet(path)
    else:
        path.write_text("".join("::".join(map(str, row)) + "\n" for row in ROWS))
        columns = "user=1,item=2,ts=3,rating=4"
    dataset = load_dataset(DatasetSpec(str(path), columns=columns))
    assert rows_of(dataset.interactions) == SORTED
    assert len(dataset.bad) == 0


def test_bad_rows_are_counted_and_named(tmp_path: Path) -> None:
    good = "".join(f"u{i},i{i},{1_000_000_000 + i},3\n" for i in range(9))
    dataset = load(
        tmp_path,
        "user,item,ts,rating\n,a,1000000000,3\nu,,1000000000,3\nu,a,,3\nu,a,soon,3\nu,a,1000000000,great\n"
        f"u,a,1000000000\n{'u' * 129},a,1000000000,3\nu,a,1000000000,1e9\n{good}",
    )
    assert len(dataset.interactions) == 9
    assert [str(row) for row in dataset.bad.first(20)] == [
        "interactions.csv:2: no user",
        "interactions.csv:3: no item",
        "interactions.csv:4: no ts",
        "interactions.csv:5: 'soon' is no time (unix seconds)",
        "interactions.csv:6: 'great' can't be used as a rating",
        "interactions.csv:7: has 3 fields, expected 4",
        "interactions.csv:8: user has 129 characters, at most 128 are accepted",
        "interactions.csv:9: '1e9' can't be used as a rating",
    ]
    dataset.bad.write(tmp_path / "bad.txt")
    assert len((tmp_path / "bad.txt").read_text().splitlines()) == 8


def test_more_than_half_bad_is_an_error_that_shows_some(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"3 of 5 rows can't be read, more than half.*\n.*interactions\.csv:4: no ts"
    ):
        load(tmp_path, "user,item,ts\na,b,1\nc,d,2\ne,e,\nf,f,\ng,g,\n")
    assert len(load(tmp_path, "user,item,ts\na,b,1\nc,d,2\ne,e,\nf,f,\n").interactions) == 2


def test_no_rating_is_not_a_bad_row(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts,rating\na,b,1,\na,c,2,NaN\na,d,3,4.5\n")
    assert np.isnan(dataset.interactions.rating).tolist() == [True, True, False]
    assert len(dataset.bad) == 0


def test_ratings_of_another_scale_are_stretched_and_it_is_said(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts,rating\na,b,1,0\na,c,2,5\na,d,3,10\n")
    assert dataset.interactions.rating.tolist() == [1.0, 3.0, 5.0]
    assert "interactions.csv: ratings rescaled linearly from 0..10 to 1..5" in dataset.notes


def test_ratings_within_one_to_five_stay_as_they_are(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts,rating\na,b,1,2\na,c,2,4\n")
    assert dataset.interactions.rating.tolist() == [2.0, 4.0]
    assert not any("rescaled" in note for note in dataset.notes)


def test_ratings_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts,rating\na,b,1,0\na,c,2,0\n")
    assert np.isnan(dataset.interactions.rating).all()
    assert "interactions.csv: every rating is 0: left out" in dataset.notes


def test_actions_take_the_names_of_events(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts,event\na,b,1,add_to_cart\na,c,2,PV\na,d,3,zoom\na,e,4,\n")
    assert dataset.interactions.action == ["cart", "view", "click", "click"]
    assert "interactions.csv: actions taken as clicks: zoom (1), (none) (1)" in dataset.notes


def test_texts_are_cut_to_what_an_event_holds(tmp_path: Path) -> None:
    dataset = load(tmp_path, f"user,item,ts,review,summary\na,b,1,{'x' * 20_000},{'y' * 300}\n")
    assert dataset.interactions.text == ["x" * 16_384]
    assert dataset.interactions.title == ["y" * 256]


def test_ties_are_ordered_by_a_seeded_hash_not_by_the_file_or_the_id(tmp_path: Path) -> None:
    pairs = [(f"u{k % 3}", f"i{k:02d}") for k in range(30)]
    text = "user,item,ts\n" + "".join(f"{user},{item},7\n" for user, item in pairs)
    turned = "user,item,ts\n" + "".join(f"{user},{item},7\n" for user, item in reversed(pairs))
    found = load(tmp_path, text).interactions
    expected = sorted(
        pairs, key=lambda p: hashlib.blake2b(f"7|{p[0]}|{p[1]}".encode(), digest_size=8).digest()
    )
    assert list(zip(found.user, found.item, strict=True)) == expected
    assert load(tmp_path, turned).interactions.item == found.item
    assert in_time_order(found, seed=8).item != found.item


def test_items_join_what_describes_them(tmp_path: Path) -> None:
    dataset = load(
        tmp_path,
        "user,item,ts\nu,1,1\n",
        items="item_id,title,genres,description,brand,price\n"
        '1,T,A|B|A,"D, e",Acme,$3.50\n2,,,,,n/a\n,x,,,,\n3,U,,,,\n',
    )
    assert dataset.items == {
        "1": ItemText("T", "D, e", ("A", "B"), ("Acme",), 3.5),
        "2": ItemText(),
        "3": ItemText("U"),
    }
    assert dataset.items["1"].joined == "T. A, B. Acme. D, e"
    assert [str(row) for row in dataset.bad.first()] == ["items.csv:4: no item"]


def test_of_an_item_described_twice_the_last_holds(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts\nu,1,1\n", items="item,title\n1,old\n1,new\n")
    assert dataset.items["1"].title == "new"
    assert any("1 rows describe an item again" in note for note in dataset.notes)


def test_items_that_never_occur_are_said(tmp_path: Path) -> None:
    dataset = load(tmp_path, "user,item,ts\nu,1,1\n", items="item,title\nx1,T\n")
    assert any("none of the 1 items described occurs in the stream" in note for note in dataset.notes)


def test_profiles_are_the_other_columns_or_those_asked_for(tmp_path: Path) -> None:
    users = "user_id,age,gender,zip\nu,24,M,\nv,53,F,94043\n"
    whole = load(tmp_path, "user,item,ts\nu,1,1\n", users=users)
    assert whole.users == {
        "u": {"age": "24", "gender": "M"},
        "v": {"age": "53", "gender": "F", "zip": "94043"},
    }
    asked = load(tmp_path, "user,item,ts\nu,1,1\n", columns="users.sex=gender", users=users)
    assert asked.users == {"u": {"sex": "M"}, "v": {"sex": "F"}}
    with pytest.raises(DataError, match="no column 'size'"):
        load(tmp_path, "user,item,ts\nu,1,1\n", columns="users.size=size", users=users)


def test_ml_100k_as_recbole_ships_it() -> None:
    dataset = load_dataset(DatasetSpec(ml_100k("inter"), ml_100k("item"), ml_100k("user")))
    stream = dataset.interactions
    assert (len(stream), len(set(stream.user)), len(set(stream.item))) == (100_000, 943, 1_682)
    assert stream.ts_ms[0] == 874_724_710_000
    assert (np.diff(stream.ts_ms) >= 0).all()
    assert stream.rating.mean() == pytest.approx(3.52986)
    assert dataset.items["1"].categories == ("Animation", "Children's", "Comedy")
    assert dataset.users["1"] == {"age": "24", "gender": "M", "occupation": "technician", "zip_code": "85711"}
    assert len(dataset.bad) == 0


def test_amazon_reviews_as_json_lines_in_a_zip() -> None:
    stream = load_dataset(
        DatasetSpec(shared("amazon-musical-instruments/Musical_Instruments.zip"))
    ).interactions
    assert (len(stream), len(set(stream.user)), len(set(stream.item))) == (10_261, 1_429, 900)
    assert stream.text is not None
    assert np.mean([len(text) for text in stream.text]) == pytest.approx(486, abs=1)


def test_movielens_ratings_with_plots_by_column_number() -> None:
    dataset = load_dataset(
        DatasetSpec(
            shared("movielens-latest-small/ratings.csv"),
            shared("movielens-latest-small/movielens_plots.dat.gz"),
            columns="items.item=1,items.title=2,items.categories=6,items.text=10",
        )
    )
    assert len(dataset.interactions) == 100_836
    assert dataset.items["1"].title == "Toy Story"
    assert dataset.items["1"].categories == ("Animation", "Adventure", "Comedy")
    assert dataset.items["1"].text.startswith("A little boy named Andy")
    assert any("rescaled linearly from 0.5..5" in note for note in dataset.notes)


def test_tmdb_with_json_in_csv_cells_in_a_zip() -> None:
    dataset = load_dataset(
        DatasetSpec(
            shared("movielens-latest-small/ratings.csv"),
            shared("movielens-latest-small/tmdb_5000_movies.csv.zip"),
            columns="items.item=id",
        )
    )
    assert dataset.items["19995"].title == "Avatar"
    assert dataset.items["19995"].categories == ("Action", "Adventure", "Fantasy", "Science Fiction")


def test_trivago_sessions_as_parquet() -> None:
    dataset = load_dataset(
        DatasetSpec(
            shared("trivago-2019/trivago_val_100k.parquet"), columns="item=reference,action=action_type"
        )
    )
    assert len(dataset.interactions) == 100_003
    assert len(set(dataset.interactions.user)) == 6_593


CSV = b"user,item,ts,rating,text\n" + b"".join(b'u%d,i%d,%d,3,"t %d"\n' % (k, k, k, k) for k in range(12))
JSON = b"".join(b'{"user": "u%d", "item": %d, "ts": %d, "text": ["a"]}\n' % (k, k, k) for k in range(12))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([CSV, JSON, gzip.compress(CSV), CSV.decode().encode("utf-16"), b""]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6), st.binary(max_size=8)), max_size=6),
)
def test_no_damage_gives_a_traceback(
    tmp_path: Path, content: bytes, damage: list[tuple[int, int, bytes]]
) -> None:
    """Bytes cut out and put in anywhere: rows or a `DataError`, and every row is either good or counted."""
    raw = bytearray(content)
    for at, cut, put in damage:
        raw[at : at + cut] = put
    path = tmp_path / "damaged"
    path.write_bytes(raw)
    try:
        dataset = load_dataset(DatasetSpec(str(path)))
    except DataError:
        return
    stream = dataset.interactions
    assert len(stream) >= len(dataset.bad)
    assert (np.diff(stream.ts_ms) >= 0).all()
    assert all(stream.user)
    assert all(stream.item)


@pytest.mark.parametrize("key", ["item}", "i\x01tem", "item\xff"])
def test_a_damaged_key_of_the_first_object_takes_no_column_from_the_others(tmp_path: Path, key: str) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(JSON.replace(b'"item"', f'"{key}"'.encode(), 1))
    dataset = load_dataset(DatasetSpec(str(path)))
    assert (len(dataset.interactions), len(dataset.bad)) == (11, 1)


@pytest.mark.parametrize(("column", "columns"), [("query", ""), ("asked", "query=asked")])
def test_what_was_searched_for_is_read(tmp_path: Path, column: str, columns: str) -> None:
    rows = f"user,item,ts,{column}\nu,b,20,red shoes\nu,a,10,\n"
    found = load(tmp_path, rows, columns).interactions
    assert found.item == ["a", "b"]
    assert found.query == ["", "red shoes"]
    assert found.take(np.array([1])).query == ["red shoes"]
    assert load(tmp_path, "user,item,ts\nu,b,20\n").interactions.query is None
