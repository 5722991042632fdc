"""Items as columns."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.hashing import attributes_of
from streams.state.catalog import Catalog, ItemRecord, decode_item, encode_item
from tests.streams.core import unit

E1, E2 = np.eye(64, dtype=np.float32)[:2]


def record(ts: int, text: np.ndarray | None = None, available: bool = True) -> ItemRecord:
    return ItemRecord("a", ts, available, b"" if text is None else text.astype(np.float16).tobytes())


@pytest.fixture
def catalog() -> Catalog:
    found = Catalog()
    found.extend(["a", "b"], 5)
    return found


def test_rows_are_given_in_order_and_columns_grow(catalog: Catalog) -> None:
    catalog.extend([f"i{k}" for k in range(300)], 9)
    assert [catalog.rows[item_id] for item_id in catalog.ids] == list(range(302))
    assert catalog.added_ms[[0, 1, 2, 301]].tolist() == [5, 5, 9, 9]
    assert catalog.available[:302].all()
    assert not catalog.text[:302].any()
    assert catalog.revised_since(1).tolist() == list(range(2, 302))


def test_a_newer_announcement_counts_and_an_older_one_does_not(catalog: Catalog) -> None:
    assert catalog.put(0, record(10, E1))
    assert not catalog.put(0, record(9, E2, available=False))
    assert (catalog.text[0] == E1).all()
    assert catalog.available[0]
    assert catalog.put(0, record(11, available=False))
    assert not catalog.available[0]
    assert not catalog.text[0].any()  # the record has no text
    assert catalog.added_ms[0] == 10
    assert catalog.revised_since(1).tolist() == [0]


AHEAD_MS = 300_000


def test_a_clock_that_runs_ahead_does_not_make_later_updates_void(catalog: Catalog) -> None:
    first = catalog.announce(0, record(1_240_000), 1_000_000, AHEAD_MS)
    assert first is not None
    assert first.ts == 760_000
    second = catalog.announce(0, record(1_001_000, available=False), 1_001_050, AHEAD_MS)
    assert second is not None
    assert second.ts == 1_001_000
    assert not catalog.available[0]
    third = catalog.announce(0, record(1_242_000), 1_002_000, AHEAD_MS)
    assert third is not None
    assert third.ts == 1_001_000
    assert catalog.available[0]


def test_what_was_made_while_an_update_ahead_was_under_way_counts(catalog: Catalog) -> None:
    """Their senders kept both back for some seconds: known is which came first, not which was made first."""
    assert catalog.announce(0, record(1_240_000), 1_010_000, AHEAD_MS)
    assert catalog.announce(0, record(1_002_000, available=False), 1_012_000, AHEAD_MS)
    assert not catalog.available[0]


def test_a_clock_ahead_by_little_costs_little(catalog: Catalog) -> None:
    assert catalog.announce(0, record(1_000_003), 1_000_000, AHEAD_MS)
    assert catalog.announce(0, record(990_000, available=False), 1_000_500, AHEAD_MS) is None
    assert catalog.available[0]


def test_what_was_stored_with_a_time_ahead_gives_way_too(catalog: Catalog) -> None:
    catalog.put(0, record(1_240_000))  # as workers of before stored it
    assert catalog.announce(0, record(1_000_900, available=False), 1_001_000, AHEAD_MS)
    assert not catalog.available[0]


@pytest.mark.parametrize("arrived_ms", [1_000_000, 500_000])
def test_an_old_update_that_comes_late_changes_nothing(catalog: Catalog, arrived_ms: int) -> None:
    """A replay of a dump; also where it brings the time at which it arrived then."""
    catalog.announce(0, record(999_000), 999_050, AHEAD_MS)
    assert catalog.announce(0, record(499_000, available=False), arrived_ms, AHEAD_MS) is None
    assert catalog.available[0]
    assert catalog.announced_ms[0] == 999_000


def test_updates_of_the_same_time_count_in_order_of_arrival(catalog: Catalog) -> None:
    for available in (False, True, False):
        assert catalog.announce(0, record(1_000, available=available), 2_000, AHEAD_MS)
        assert catalog.available[0] == available


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60_000),  # after the one before
            st.integers(-AHEAD_MS, AHEAD_MS),  # by how much the sender's clock is ahead
            st.integers(0, 1_000),  # on its way
            st.sampled_from(["own", "none"]),
            st.integers(-2_000, 2_000),  # by how much the gateway's clock is ahead
        ),
        min_size=1,
        max_size=12,
    )
)
def test_an_update_without_a_time_always_counts_and_every_process_ends_alike(
    sent: list[tuple[int, int, int, str, int]],
) -> None:
    """Whatever the clocks of senders and gateways say. A process that follows, or starts anew, agrees."""
    owner, follower, now_ms = Catalog(), Catalog(), 1_700_000_000_000
    for each in (owner, follower):
        each.extend(["a"], 5)
    kept: list[ItemRecord] = []
    for number, (pause, ahead, way, given_ts, gateway_ahead) in enumerate(sent):
        now_ms += pause
        accepted_ms = min(now_ms + gateway_ahead, now_ms + 5)  # a worker reads it 5 ms later
        ts = now_ms - way + ahead if given_ts == "own" else now_ms + gateway_ahead
        ts = min(ts, accepted_ms + AHEAD_MS)
        taken = owner.announce(0, ItemRecord("a", ts, price=float(number)), accepted_ms, AHEAD_MS)
        if given_ts == "none":
            assert taken is not None
        if taken is not None:
            assert taken.ts <= max(accepted_ms, kept[-1].ts if kept else 0)
            assert follower.put(0, taken)
            kept.append(taken)
    anew = Catalog()
    anew.extend(["a"], 5)
    anew.put(0, kept[-1])
    for record_ in kept:  # what of the ledger is read once more
        anew.put(0, record_)
    for each in (follower, anew):
        np.testing.assert_array_equal(each.attributes[0], owner.attributes[0])
        assert each.announced_ms[0] == owner.announced_ms[0]
    assert [one.ts for one in kept] == sorted(one.ts for one in kept)


def test_records_of_before_can_be_read() -> None:
    packed = msgspec.msgpack.encode(["a", 7, False, b"", "Title", ["c"], 2.5, ["t"]])
    assert decode_item(packed) == ItemRecord("a", 7, False, b"", "Title", ["c"], 2.5, ["t"])


def test_reviews_speak_for_an_item_without_text(catalog: Catalog) -> None:
    catalog.hear(0, E1)
    assert (catalog.text[0] == E1).all()
    catalog.hear(0, E2)
    np.testing.assert_allclose(catalog.text[0], unit(E1 + E2), atol=1e-3)
    assert catalog.revised_since(1).tolist() == [0]


def test_an_items_own_text_outranks_its_reviews(catalog: Catalog) -> None:
    catalog.hear(0, E1)
    catalog.put(0, record(10, E2))
    catalog.hear(0, E1)
    assert (catalog.text[0] == E2).all()


def test_a_text_that_an_update_does_not_have_is_gone_and_reviews_speak_again(catalog: Catalog) -> None:
    """As in a process that starts after the update, and never saw the text."""
    catalog.hear(0, E1)
    catalog.put(0, record(10, E1))
    catalog.put(0, ItemRecord("a", 11))
    later = Catalog()
    later.extend(["a", "b", "c"], 5)
    later.put(0, ItemRecord("a", 11))
    for each in (catalog, later):
        assert not each.text[0].any()
        each.hear(0, E2)
        assert (each.text[0] == E2).all()


def test_reviews_that_cancel_out_leave_no_nan(catalog: Catalog) -> None:
    catalog.hear(0, E1)
    catalog.hear(0, -E1)
    assert np.isfinite(catalog.text[0]).all()


def test_a_record_comes_back_as_it_was() -> None:
    item = ItemRecord(
        "a", 5, False, b"\x00\x3c" * 64, "Title", ["x", "y"], 9.5, ["t"], b"\x00\x3c", b"\x00\x3d"
    )
    assert decode_item(encode_item(item)) == item


def seeing() -> Catalog:
    found = Catalog(modalities={"image": 3})
    found.extend(["a", "b", "c"], 5)
    return found


def test_an_item_has_the_attributes_of_its_last_announcement() -> None:
    catalog = seeing()
    assert not catalog.attributes[0].any()
    catalog.put(0, ItemRecord("a", 10, categories=["x"], tags=["y"], price=3.0))
    assert catalog.attributes[0].tolist() == attributes_of(["x"], ["y"], 3.0).tolist()
    catalog.put(0, ItemRecord("a", 11, categories=["z"]))
    assert catalog.attributes[0].tolist() == attributes_of(["z"], [], None).tolist()
    assert not catalog.attributes[1].any()


def test_another_view_of_an_item_is_kept_where_it_is_asked_for_and_has_its_size() -> None:
    catalog = seeing()
    image = np.array([0.5, -0.25, 1.0], np.float16)
    assert catalog.put(1, ItemRecord("b", 10, image=image.tobytes(), audio=image.tobytes()))
    assert catalog.modalities["image"][1].tolist() == image.tolist()
    assert set(catalog.modalities) == {"image"}
    assert catalog.put(1, ItemRecord("b", 11, image=image[:2].tobytes(), title="kept"))
    assert not catalog.modalities["image"][1].any()
    assert catalog.announced_ms[1] == 11
    catalog.extend([f"i{k}" for k in range(300)], 9)
    assert catalog.modalities["image"].shape == (len(catalog.available), 3)


def test_content_is_what_the_rows_hold() -> None:
    catalog = seeing()
    catalog.put(2, ItemRecord("c", 10, tags=["t"], image=np.ones(3, np.float16).tobytes()))
    text, attributes, modalities = catalog.content([2, 0])
    assert (text == catalog.text[[2, 0]]).all()
    assert attributes.tolist() == catalog.attributes[[2, 0]].tolist()
    assert modalities["image"].tolist() == [[1, 1, 1], [0, 0, 0]]


CHANGES: dict[str, Callable[[Catalog], object]] = {
    "text": lambda catalog: catalog.put(1, record(10, E1)),
    "words": lambda catalog: catalog.hear(1, E2),
    "tags": lambda catalog: catalog.put(1, ItemRecord("b", 10, tags=["t"])),
    "price": lambda catalog: catalog.put(1, ItemRecord("b", 10, price=9.0)),
    "image": lambda catalog: catalog.put(1, ItemRecord("b", 10, image=np.ones(3, np.float16).tobytes())),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_view_has_the_items_of_its_moment_and_tells_what_changed_since(change: str) -> None:
    catalog = seeing()
    before = catalog.view()
    assert catalog.revised_since(before.revision).tolist() == []
    others = [each[[0, 2]].tobytes() for each in (before.text, before.attributes, before.modalities["image"])]
    CHANGES[change](catalog)
    catalog.extend(["new"], 20)
    catalog.put(3, record(20, E1))  # the view knows nothing of it
    assert catalog.revised_since(before.revision).tolist() == [1, 3]
    assert before.revised_since(0).tolist() == [0, 1, 2]
    assert before.ids == ["a", "b", "c"]
    after = [each[[0, 2]].tobytes() for each in (before.text, before.attributes, before.modalities["image"])]
    assert after == others
    assert len(before.text) == len(before.attributes) == 3


def test_a_reader_of_any_revision_is_told_all_that_changed_since() -> None:
    catalog = seeing()
    seen = [catalog.revision]
    for row in (0, 2, 0):
        catalog.put(row, record(10, E1))
        seen.append(catalog.revision)
    assert [catalog.revised_since(each).tolist() for each in seen] == [[0, 2], [0, 2], [0], []]
    assert catalog.revised_since(0).tolist() == [0, 1, 2]
    assert Catalog().revised_since(0).tolist() == []
    catalog.revise_all()
    assert catalog.revised_since(seen[-1]).tolist() == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["", "x", "y"]), st.sampled_from([None, 1.0]))))
def test_facets_are_those_of_each_items_last_announcement(puts: list[tuple[int, str, float | None]]) -> None:
    catalog = Catalog()
    catalog.extend(list("abcde"), 5)
    last: dict[int, tuple[str, float | None]] = {}
    for ts, (row, category, price) in enumerate(puts, 10):
        categories = [category] if category else []
        catalog.put(row, ItemRecord("a", ts, categories=categories, price=price, attributes={"k": category}))
        last[row] = (category, price)
    for asked in ("x", "y"):
        found = catalog.facets.having_any([("category", "", asked)], 5)
        assert np.flatnonzero(found).tolist() == sorted(
            row for row, (each, _) in last.items() if each == asked
        )
        same = catalog.facets.having_any([("attribute", "k", asked)], 5)
        assert same.tolist() == found.tolist()
    priced = catalog.facets.priced(0.5, None, 5)
    assert np.flatnonzero(priced).tolist() == sorted(row for row, (_, price) in last.items() if price)


@pytest.mark.parametrize("remembered", [1, 4, 1_024])
def test_the_changes_since_any_revision_are_told_however_many_are_remembered(
    monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    """Against a plain list of what changed when."""
    monkeypatch.setattr("streams.state.catalog.REMEMBERED", remembered)
    rng = np.random.default_rng(remembered)
    catalog, changed = Catalog(4), [set[int]()]
    words = np.full(4, 0.5, np.float32)
    for k in range(60):
        if k % 7 == 0:
            first = len(catalog)
            catalog.extend([f"{k}-{n}" for n in range(3)])
            changed.append({first, first + 1, first + 2})
        elif k == 40:
            catalog.revise_all()
            changed.append({*range(len(catalog))})
        else:
            row = int(rng.integers(len(catalog)))
            catalog.hear(row, words)
            changed.append({row})
    assert catalog.revision == len(changed) - 1
    for revision in range(len(changed)):
        expected: set[int] = set().union(*changed[revision + 1 :])
        assert catalog.revised_since(revision).tolist() == sorted(expected)
        assert catalog.view().revised_since(revision).tolist() == sorted(expected)


TEXTS = st.sampled_from([None, E1, E2])


@given(
    st.lists(st.tuples(TEXTS, st.sampled_from(["", "x"])), min_size=1, max_size=6),
    st.lists(st.tuples(TEXTS, st.sampled_from(["", "x"])), max_size=8),
    st.sets(st.integers(0, 5)),
)
def test_what_was_derived_from_a_catalog_that_is_read_anew_is_wrong_for_the_items_that_differ(
    before: list[tuple[np.ndarray | None, str]],
    after: list[tuple[np.ndarray | None, str]],
    behind: set[int],
) -> None:
    """`behind`: rows for which it was wrong before."""

    def told(items: list[tuple[np.ndarray | None, str]]) -> Catalog:
        catalog = Catalog()
        catalog.extend([f"i{row}" for row in range(len(items))])
        for row, (text, category) in enumerate(items):
            raw = b"" if text is None else text.astype(np.float16).tobytes()
            catalog.put(row, ItemRecord(f"i{row}", 10, text=raw, categories=[category] if category else []))
        return catalog

    old, new = told(before), told(after)
    rows = sorted(row for row in behind if row < min(len(before), len(after)))
    seen = new.carry_on(old, np.array(rows, np.int64))
    if len(after) < len(before):
        assert seen is None
        return
    assert seen is not None
    expected = {
        row
        for row, (text, category) in enumerate(after)
        if row >= len(before) or before[row][0] is not text or before[row][1] != category
    }
    assert new.revised_since(seen).tolist() == sorted(expected | {*rows})
    assert new.revised_since(0).tolist() == list(range(len(after)))
    new.hear(0, E1)
    changed = set() if after[0][0] is not None else {0}
    assert new.revised_since(seen).tolist() == sorted(expected | {*rows} | changed)


def test_where_rows_mean_other_items_nothing_that_was_derived_is_of_use(catalog: Catalog) -> None:
    other = Catalog()
    other.extend(["a", "c", "d"], 5)
    assert other.carry_on(catalog) is None
    assert catalog.carry_on(Catalog()) is not None


def test_views_that_are_the_same_do_not_hide_another_image() -> None:
    old, new = seeing(), seeing()
    new.put(1, ItemRecord("b", 10, image=np.ones(3, np.float16).tobytes()))
    seen = new.carry_on(old)
    assert seen is not None
    assert new.revised_since(seen).tolist() == [1]
