"""The slates that a ranker made of late, by their ids: for further pages, and for who asks why.

They are kept packed, and few of them are ever asked for. As objects, the places of 2,000 slates would be
400,000 for the garbage collector to look at, which stops the process for 60 ms.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from streams.ranking.slate import Slate, decode, encode
from streams.serving.ranker_asked import Answer, Asked
from streams.state.tombstone import digest_of_user

NO_SLATE = Slate("", "", 0, [], "", "")


class RankedSlate(NamedTuple):
    """A slate, and what was asked for."""

    asked: Asked
    answer: Answer


class _Kept(NamedTuple):
    """`packed`: the slate of the answer, which has none of its own here."""

    asked: Asked
    packed: bytes
    answer: Answer


class RankedSlates:
    """The last `most` of them; those made longest ago go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def keep(self, asked: Asked, answer: Answer) -> None:
        """Remember one more."""
        slate, request, scores, unknown, left_out = answer
        bare = Answer(NO_SLATE, request, scores, unknown, left_out)
        self._kept[slate.slate_id] = _Kept(asked, encode(slate), bare)
        self._kept.move_to_end(slate.slate_id)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, digests: Collection[bytes] | None) -> None:
        """Those of the users whose digests these are (`streams.state.tombstone`), by name or as sessions; all
        of them for None.
        """
        if digests is None:
            self._kept.clear()
            return
        gone = [name for name, kept in self._kept.items() if _stands(kept.asked, digests)]
        for name in gone:
            del self._kept[name]

    def get(self, slate_id: str) -> RankedSlate | None:
        """The slate; None where it was not made here, or is forgotten."""
        kept = self._kept.get(slate_id)
        if kept is None:
            return None
        return RankedSlate(kept.asked, kept.answer._replace(slate=decode(kept.packed)))


def _stands(asked: Asked, digests: Collection[bytes]) -> bool:
    return any(user and digest_of_user(user) in digests for user in (asked.user, asked.session))
