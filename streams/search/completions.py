"""Names and past queries that begin as somebody types.

A name is found by the beginning of any of its words: "str" finds "Guitar Straps". Past queries are those that
this process has answered since it began. One is shown after several users have asked it: what a single person
searched for stays theirs.
"""

from __future__ import annotations

import bisect
import hashlib
from collections import OrderedDict
from typing import NamedTuple

from streams.search.chinese import simplified
from streams.search.intent import PATH_MARKS
from streams.search.scripts import normalized

MOST_WORDS = 6
"""Of a name, by whose beginnings it is found."""
LONGEST_QUERY = 80
END = "\U0010ffff"


class Completion(NamedTuple):
    """`kind`: "query", "category", "maker" or "item". `item_id`: of an item."""

    text: str
    kind: str
    item_id: str | None = None


class Beginnings:
    """Names in the order of their spellings. Ones with a common beginning lie side by side."""

    def __init__(self) -> None:
        self._keys: list[tuple[str, str]] = []

    def add(self, name: str) -> None:
        """A name that is not in it yet."""
        for key in _keys(name):
            bisect.insort(self._keys, (key, name))

    def discard(self, name: str) -> None:
        """A name that is in it."""
        for key in _keys(name):
            at = bisect.bisect_left(self._keys, (key, name))
            if at < len(self._keys) and self._keys[at] == (key, name):
                del self._keys[at]

    def find(self, begins: str, limit: int) -> list[str]:
        """Names with a word from which on they begin so; `begins` is normalized. Not more than `limit`."""
        found: dict[str, None] = {}
        at = bisect.bisect_left(self._keys, (begins, ""))
        while at < len(self._keys) and self._keys[at][0].startswith(begins) and len(found) < limit:
            found[self._keys[at][1]] = None
            at += 1
        return list(found)


class PastQueries:
    """At most `most` queries, the latest. `shown_from`: how many different users must have asked one."""

    def __init__(self, most: int, shown_from: int) -> None:
        self._most, self._shown_from = most, shown_from
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._beginnings = Beginnings()

    def note(self, text: str, user: str) -> None:
        """A query that has found something; `user` is who asked, "" for nobody that is known."""
        query = " ".join(text.split())
        if not self._most or not user or not 1 < len(query) <= LONGEST_QUERY:
            return
        key = normalized(query)
        asked = self._asked.setdefault(key, _Asked(query))
        self._asked.move_to_end(key)
        asked.times += 1
        if len(asked.users) < self._shown_from:
            asked.users.add(hashlib.blake2b(user.encode("utf-8", "replace"), digest_size=8).digest())
            if len(asked.users) == self._shown_from:
                self._beginnings.add(asked.query)
        if len(self._asked) > self._most:
            _, gone = self._asked.popitem(last=False)
            if len(gone.users) >= self._shown_from:
                self._beginnings.discard(gone.query)

    def find(self, begins: str, limit: int) -> list[str]:
        """Those that begin so, the most frequent first."""
        found = self._beginnings.find(begins, 20 * limit)
        return sorted(found, key=lambda query: -self._asked[normalized(query)].times)[:limit]


class _Asked:
    __slots__ = ("query", "times", "users")

    def __init__(self, query: str) -> None:
        self.query, self.times, self.users = query, 0, set[bytes]()


def _keys(name: str) -> list[str]:
    """Of its words, and of the steps of a path: 食品饮料>茶叶 is found by 茶."""
    written = normalized(name)
    last = max(map(written.rfind, PATH_MARKS))
    parts = (written, written[last + 1 :].strip())
    ways = [each.split() for part in parts for each in dict.fromkeys((part, simplified(part)))]
    keys = [" ".join(words[at:]) for words in ways for at in range(min(len(words), MOST_WORDS))]
    return list(dict.fromkeys(keys))
