"""Which row of the id table an item has."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.hashing import bucket
from model.vocabulary import Vocabulary

ids = st.lists(st.text(min_size=1, max_size=6), max_size=20, unique=True)


@given(ids, st.lists(st.text(max_size=6), max_size=10))
def test_every_item_has_a_number_of_its_own_and_others_have_none(own: list[str], asked: list[str]) -> None:
    vocabulary = Vocabulary(tuple(own))
    numbering = vocabulary.numbering()
    assert numbering.of(own) == list(range(1, len(own) + 1))
    assert vocabulary.size == len(own)
    expected = [own.index(each) + 1 if each in own else 0 for each in asked]
    assert numbering.of(asked) == expected


@given(ids, ids)
def test_new_items_are_put_at_the_end(own: list[str], more: list[str]) -> None:
    before = Vocabulary(tuple(own))
    after = before.extended(more)
    assert after.numbering().of(own) == before.numbering().of(own)
    assert set(after.ids) == {*own, *more}
    assert after.size == len({*own, *more})


def test_hashed_ids_need_no_list() -> None:
    vocabulary = Vocabulary(buckets=50)
    assert vocabulary.size == 50
    assert vocabulary.numbering().of(["a", "b"]) == [bucket("a", 50), bucket("b", 50)]
    assert vocabulary.extended(["a"]) == vocabulary
    assert vocabulary.numbers() == {}


@pytest.mark.parametrize("raw", [b'{"a": 1}', b'["a"]', b'{"ids": [1]}', b'{"buckets": -1}'])
def test_what_is_no_vocabulary_is_not_read_as_one(raw: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Vocabulary)
