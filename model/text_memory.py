"""The texts of a stream so far: of each item, and of each user. It numbers texts and never copies them.

A memory knows nothing in advance: at event k it holds only texts of earlier events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

RECENT_REVIEWS = 8


class HistoryItem(NamedTuple):
    """An item that a user met, and the number of the user's review of it (None: none)."""

    item: str
    review: int | None


class TextMemory:
    """`texts[n]` is text n: first the items' own ones, then the reviews as they come; blank ones have none.

    `announced`: the items' own texts, known from the beginning (as `streams.offline.replay` announces them).
    """

    def __init__(self, announced: Mapping[str, str]) -> None:
        self.texts: list[str] = []
        self._own: dict[str, int] = {}
        self._heard: dict[str, list[int]] = {}
        self._met: dict[str, list[HistoryItem]] = {}
        for item, text in announced.items():
            number = self._number(text)
            if number is not None:
                self._own[item] = number

    def learn(self, user: str, item: str, review: str = "") -> None:
        """Fold one event; `review` is the user's text with it."""
        number = self._number(review)
        if number is not None:
            self._heard.setdefault(item, []).append(number)
        self._met.setdefault(user, []).append(HistoryItem(item, number))

    def of_item(self, item: str) -> tuple[int, ...]:
        """The item's own text, or without one its newest reviews, newest first; () for neither."""
        if item in self._own:
            return (self._own[item],)
        return tuple(reversed(self._heard.get(item, [])[-RECENT_REVIEWS:]))

    def history(self, user: str, last: int) -> Sequence[HistoryItem]:
        """The `last` items that the user met, newest first."""
        return self._met.get(user, [])[: -last - 1 : -1]

    def _number(self, text: str) -> int | None:
        if not text.strip():
            return None
        self.texts.append(text)
        return len(self.texts) - 1
