"""Users' actions, from a dataset's own words to the names of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

ACTIONS = {
    "view": "view pv pageview detail impression visit open",
    "click": "click clicked clickout select tap",
    "cart": "cart addtocart addcart basket",
    "purchase": "purchase buy bought order transaction checkout conversion",
    "play": "play listen watch stream",
    "like": "like fav favorite favourite collect thumbsup upvote",
    "skip": "skip",
    "dislike": "dislike thumbsdown downvote notinterested",
    "hide": "hide block mute",
    "share": "share forward retweet repost",
    "bookmark": "bookmark save wishlist watchlist readlater",
    "follow": "follow subscribe",
    "report": "report flag spam",
}
_ACTION = {word: action for action, words in ACTIONS.items() for word in words.split()}


def read_actions(raw: list[str] | None, told: Mapping[str, str] = {}) -> tuple[list[str] | None, str]:
    """Actions under the wire's names, as `told` says (`--actions`), else by their words; unknown ones count
    as clicks, and a note names them.

    >>> read_actions(["buy", "pic"], {"pic": "view"})
    (['purchase', 'view'], '')
    """
    if raw is None:
        return None, ""
    named = {word: told.get(word) or _ACTION.get(_plain(word)) for word in set(raw)}
    unknown = Counter(word for word in raw if named[word] is None)
    note = ", ".join(f"{word or '(none)'} ({count})" for word, count in unknown.most_common(8))
    return [named[word] or "click" for word in raw], f"actions taken as clicks: {note}" if note else ""


def _plain(word: str) -> str:
    return "".join(filter(str.isalnum, word.lower()))
