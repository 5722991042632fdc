"""Items as columns."""

from __future__ import annotations

import numpy as np
import pytest

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
    item = ItemRecord("a", 5, False, b"\x00\x3c" * 64, "Title", ["x", "y"], 9.5)
    assert decode_item(encode_item(item)) == item
