"""Feeds in the store outlive the build that wrote them."""

from __future__ import annotations

import msgspec

from streams.ranking.slate import Reason, Slate, SlateItem, decode, encode


def slate(reason: Reason) -> Slate:
    return Slate("s", "u", 1, [SlateItem("i", 0.5, "entities", reason)], "m", "full")


def test_a_slate_comes_back_as_it_was() -> None:
    for reason in (Reason("shares", "j", "same genre as"), Reason("popular"), Reason("after", "j")):
        assert decode(encode(slate(reason))) == slate(reason)


def test_feeds_of_older_builds_are_read() -> None:
    """They wrote reasons of two fields."""
    tree = msgspec.msgpack.decode(encode(slate(Reason("after", "j"))))
    assert tree["items"][0][3][:2] == ["after", "j"]
    tree["items"][0][3] = ["after", "j"]
    assert decode(msgspec.msgpack.encode(tree)) == slate(Reason("after", "j"))
