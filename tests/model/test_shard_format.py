"""Every field of an example has its type on disk."""

from __future__ import annotations

from model.examples import EXAMPLE_FIELDS
from model.shard_format import DTYPES


def test_every_field_of_an_example_has_its_type() -> None:
    assert tuple(DTYPES) == EXAMPLE_FIELDS
