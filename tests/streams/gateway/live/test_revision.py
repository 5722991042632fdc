"""What makes another revision of a feed, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from streams.gateway.live.revision import NOT_OWN, revision_of
from streams.gateway.shelf import ShownPart
from tests.streams.gateway.test_feeds import slate

OWN = slate("u")


def test_the_users_own_slate_is_named() -> None:
    assert revision_of(ShownPart(OWN, 5, 5, 0, "s1")) == "s1"
    filled = msgspec.structs.replace(OWN, slate_id="s1~f00d")
    assert revision_of(ShownPart(filled, 5, 3, 0, "s1")) == "s1", "what fills it up is no news"


def test_withdrawn_items_make_another_revision() -> None:
    one, other = ShownPart(OWN, 5, 5, 1, "s1"), ShownPart(OWN, 5, 4, 1, "s1")
    assert len({revision_of(one), revision_of(other), "s1"}) == 3
    assert revision_of(one) == revision_of(one)


def test_feeds_of_nobody_are_one_and_nothing_is_none() -> None:
    assert revision_of(ShownPart(slate("x"), 5, 0)) == revision_of(ShownPart(slate("y"), 3, 0)) == NOT_OWN
    assert revision_of(ShownPart(slate("u", 0), 0, 0)) == ""
    assert revision_of(ShownPart(slate("u", 0), 0, 0, 0, "s1")) == "s1", "an own slate without items is news"


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "ü", "\0", "a b", " ", "x" * 300, "\ud83d"])
def test_an_id_that_can_be_no_line_is_told_by_a_digest(name: str) -> None:
    told = revision_of(ShownPart(OWN, 5, 5, 0, name))
    assert told.isalnum()
    assert len(told) == 24
    assert told != revision_of(ShownPart(OWN, 5, 5, 0, name + "x"))
