from __future__ import annotations

import pytest

from model.errors import DataError
from streams.datasets.mapping import parse_map
from streams.datasets.tables.table import Table


def table(*columns: str, numbered: bool = False, types: dict[str, str] | None = None) -> Table:
    return Table("t.csv", columns, lambda wanted, bad: iter(()), types or {}, numbered)


def test_columns_are_guessed_from_common_names() -> None:
    assert parse_map("").columns("interactions", table("userId", "movieId", "rating", "timestamp")) == {
        "user": ("userId",),
        "item": ("movieId",),
        "ts": ("timestamp",),
        "rating": ("rating",),
    }
    amazon = table(
        "reviewerID", "asin", "helpful", "reviewText", "overall", "summary", "unixReviewTime", "reviewTime"
    )
    assert parse_map("").columns("interactions", amazon) == {
        "user": ("reviewerID",),
        "item": ("asin",),
        "ts": ("unixReviewTime",),
        "rating": ("overall",),
        "text": ("reviewText",),
        "title": ("summary",),
    }


def test_the_map_wins_over_guesses_and_joins_columns() -> None:
    found = parse_map("item=code,items.text=plot+tagline").columns(
        "items", table("code", "title", "plot", "tagline", "description")
    )
    assert found == {"item": ("code",), "title": ("title",), "text": ("plot", "tagline")}


def test_a_column_stands_for_one_field_only() -> None:
    found = parse_map("text=summary").columns("interactions", table("user", "item", "ts", "summary"))
    assert found["text"] == ("summary",)
    assert "title" not in found


def test_a_bare_name_applies_where_the_column_is() -> None:
    mapping = parse_map("user=who,item=what,ts=when,title=headline")
    assert mapping.columns("interactions", table("who", "what", "when"))["item"] == ("what",)
    assert mapping.columns("items", table("item_id", "headline")) == {
        "item": ("item_id",),
        "title": ("headline",),
    }
    mapping.check_used()


def test_a_bare_name_that_no_file_has_is_an_error() -> None:
    mapping = parse_map("rating=stars")
    mapping.columns("interactions", table("user", "item", "ts"))
    with pytest.raises(DataError, match="--map rating=stars: none of the files has a column 'stars'"):
        mapping.check_used()


def test_recbole_types_may_be_written_or_not() -> None:
    typed = table("uid", "iid", "t", types={"uid": "token", "iid": "token", "t": "float"})
    for spelled in ("user=uid,item=iid,ts=t", "user=uid:token,item=iid:token,ts=t:float"):
        assert parse_map(spelled).columns("interactions", typed)["ts"] == ("t",)
    with pytest.raises(DataError, match="no column 'uid:float'"):
        parse_map("user=uid:float,item=iid,ts=t").columns("interactions", typed)


def test_bare_numbers_mean_the_interactions_or_for_item_fields_the_items() -> None:
    mapping = parse_map("user=1,item=2,rating=3,ts=4,title=2,categories=3")
    assert mapping.numbered("interactions")
    assert mapping.columns("interactions", table("1", "2", "3", "4", numbered=True)) == {
        "user": ("1",),
        "item": ("2",),
        "ts": ("4",),
        "rating": ("3",),
    }
    assert mapping.columns("items", table("1", "2", "3", numbered=True)) == {
        "item": ("1",),
        "title": ("2",),
        "categories": ("3",),
    }
    assert not parse_map("user=1,item=2,ts=3").numbered("items")


def test_a_missing_column_is_named_with_what_is_there() -> None:
    with pytest.raises(
        DataError, match=r"t\.csv: no column 'whom' for user \(interactions\); it has: who, item, ts"
    ):
        parse_map("user=whom").columns("interactions", table("who", "item", "ts"))
    with pytest.raises(DataError, match=r"no column found for ts.*it has: user, item.*--map ts=COLUMN"):
        parse_map("").columns("interactions", table("user", "item"))
    with pytest.raises(DataError, match=r"--map items\.item=COLUMN"):
        parse_map("").columns("items", table("code", "title"))


def test_a_file_that_seems_to_have_no_header_gets_a_hint() -> None:
    with pytest.raises(DataError, match="--map user=1,item=2,rating=3,ts=4"):
        parse_map("").columns("interactions", table("196", "242", "3", "881250949"))


@pytest.mark.parametrize("text", ["user", "user=", "=x", "who=x", "things.user=x", "items.rating=x"])
def test_a_map_that_makes_no_sense(text: str) -> None:
    with pytest.raises(DataError, match="--map"):
        parse_map(text)


def test_an_empty_column_leaves_a_field_out() -> None:
    mapping = parse_map("rating=,items.title=")
    assert "rating" not in mapping.columns("interactions", table("user", "item", "ts", "rating"))
    assert "title" not in mapping.columns("items", table("item", "title"))
    mapping.check_used()
    assert "title" in mapping.columns("interactions", table("user", "item", "ts", "title"))


@pytest.mark.parametrize("text", ["user=", "item=", "ts=", "items.item=", "users.user="])
def test_what_every_row_needs_can_not_be_left_out(text: str) -> None:
    with pytest.raises(DataError, match="every row of the"):
        parse_map(text)


def test_slates_may_stand_for_the_item() -> None:
    found = parse_map("user=2,ts=3,impressions=5").columns(
        "interactions", table("1", "2", "3", "4", "5", numbered=True)
    )
    assert found == {"user": ("2",), "ts": ("3",), "impressions": ("5",)}
    assert parse_map("item=,impressions=shown").columns(
        "interactions", table("user", "item", "ts", "shown")
    ) == {"user": ("user",), "ts": ("ts",), "impressions": ("shown",)}
    assert "impressions" not in parse_map("").columns(
        "interactions", table("user", "item", "ts", "impressions")
    )


def test_profile_fields() -> None:
    assert parse_map("user=id,users.user=uid,users.sex=gender").profile_fields() == {"sex": "gender"}


@pytest.mark.parametrize(
    "first",
    [("U29", "11/12/2019 11:24:50 AM", "N1"), ("user_1", "2009-05-04T23:08:57Z", "x"), ("u", "5", "x")],
)
def test_a_first_line_of_data_is_told_from_a_header(first: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="if the file has no header line, by its number"):
        parse_map("").columns("interactions", table(*first))


def test_a_file_without_times_is_refused_with_the_reason() -> None:
    with pytest.raises(DataError, match="rows without times can't be replayed"):
        parse_map("").columns("interactions", table("User-ID", "ISBN", "Book-Rating"))


def test_the_tables_name_before_each_column_is_no_hindrance() -> None:
    hive = table("log.user_id", "log.item_id", "log.created_at")
    assert parse_map("").columns("interactions", hive) == {
        "user": ("log.user_id",),
        "item": ("log.item_id",),
        "ts": ("log.created_at",),
    }


def test_the_finest_time_wins() -> None:
    columns = ("user_id", "video_id", "date", "hourmin", "time_ms")
    assert parse_map("").columns("interactions", table(*columns))["ts"] == ("time_ms",)
