"""The slates that a ranker made of late, by their ids: for further pages, and for who asks why."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from streams.serving.ranker_asked import Answer, Asked
from streams.state.tombstone import digest_of_user


class RankedSlate(NamedTuple):
    """A slate, and what was asked for."""

    asked: Asked
    answer: Answer


class RankedSlates:
    """The last `most` of them; those made longest ago go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, RankedSlate] = OrderedDict()

    def keep(self, asked: Asked, answer: Answer) -> None:
        """Remember one more."""
        name = answer.slate.slate_id
        self._kept.pop(name, None)
        self._kept[name] = RankedSlate(asked, answer)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, digests: Collection[bytes] | None) -> None:
        """Those of the users whose digests these are (`streams.state.tombstone`), by name or as sessions; all
        of them for None.
        """
        if digests is None:
            self._kept.clear()
            return
        gone = [name for name, (asked, _) in self._kept.items() if _stands(asked, digests)]
        for name in gone:
            del self._kept[name]

    def get(self, slate_id: str) -> RankedSlate | None:
        """The slate; None where it was not made here, or is forgotten."""
        return self._kept.get(slate_id)


def _stands(asked: Asked, digests: Collection[bytes]) -> bool:
    return any(user and digest_of_user(user) in digests for user in (asked.user, asked.session))
