"""Items as columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from model.hashing import attributes_of
from streams.catalog import Catalog, ItemRecord, decode_item, encode_item
from tests.streams.core import unit

E1, E2 = np.eye(64, dtype=np.float32)[:2]


def record(ts: int, text: np.ndarray | None = None, available: bool = True) -> ItemRecord:
    return ItemRecord("a", ts, available, b"" if text is None else text.astype(np.float16).tobytes())


@pytest.fixture
def catalog() -> Catalog:
    found = Catalog()
    found.extend(["a", "b"], 5)
    found.changed.clear()
    return found


def test_rows_are_given_in_order_and_columns_grow(catalog: Catalog) -> None:
    catalog.extend([f"i{k}" for k in range(300)], 9)
    assert [catalog.rows[item_id] for item_id in catalog.ids] == list(range(302))
    assert catalog.added_ms[[0, 1, 2, 301]].tolist() == [5, 5, 9, 9]
    assert catalog.available[:302].all()
    assert not catalog.text[:302].any()
    assert catalog.changed == set(range(2, 302))


def test_a_newer_announcement_counts_and_an_older_one_does_not(catalog: Catalog) -> None:
    assert catalog.put(0, record(10, E1))
    assert not catalog.put(0, record(9, E2, available=False))
    assert (catalog.text[0] == E1).all()
    assert catalog.available[0]
    assert catalog.put(0, record(11, available=False))
    assert not catalog.available[0]
    assert (catalog.text[0] == E1).all()  # a record without text takes none away
    assert catalog.added_ms[0] == 10
    assert catalog.changed == {0}


def test_reviews_speak_for_an_item_without_text(catalog: Catalog) -> None:
    catalog.hear(0, E1)
    assert (catalog.text[0] == E1).all()
    catalog.hear(0, E2)
    np.testing.assert_allclose(catalog.text[0], unit(E1 + E2), atol=1e-3)
    assert catalog.changed == {0}


def test_an_items_own_text_outranks_its_reviews(catalog: Catalog) -> None:
    catalog.hear(0, E1)
    catalog.put(0, record(10, E2))
    catalog.hear(0, E1)
    assert (catalog.text[0] == E2).all()


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
    found.changed.clear()
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
def test_a_copy_stays_as_it_was_and_tells_what_changed_since(change: str) -> None:
    catalog = seeing()
    before = catalog.copy()
    assert catalog.changed_since(before) == []
    kept = [each.tobytes() for each in (before.text, before.attributes, before.modalities["image"])]
    CHANGES[change](catalog)
    catalog.extend(["new"], 20)
    catalog.put(3, record(20, E1))  # the copy knows nothing of it
    assert catalog.changed_since(before) == [1]
    assert before.ids == ["a", "b", "c"]
    assert [each.tobytes() for each in (before.text, before.attributes, before.modalities["image"])] == kept


def test_what_is_no_content_is_no_change() -> None:
    catalog = seeing()
    before = catalog.copy()
    catalog.put(1, ItemRecord("b", 10, available=False, title="Title"))
    assert catalog.changed_since(before) == []
    assert Catalog().changed_since(Catalog()) == []
