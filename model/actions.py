"""What users do, by name and by code. No torch here.

States, ledger and shards keep a code, one byte. A built-in action's code is its place in `ACTIONS`, which
only ever grows at its end. An app's own action has a code that is made from its name alone: so it is the same
in every process and stays the same, whatever else is declared, in which order, or is no longer declared.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

ACTIONS = (
    "view", "click", "cart", "purchase", "play", "like", "skip", "review",
    "dislike", "hide", "share", "bookmark", "follow", "report",
)  # fmt: skip
"""The built-in actions; their codes are their places."""

CODES = 256
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,31}$"
ActionName = Annotated[str, Meta(pattern=NAME_PATTERN)]
"""A built-in action or one that the app declares."""

NEGATIVE_ACTIONS = ("skip", "dislike", "hide", "report")
"""The built-in actions that say that a user did not like an item."""
LOW_RATING, HIGH_RATING = 2.0, 4.0
"""A rating says "negative" up to the first, "positive" from the second on."""

EARLIER_ACTIONS = 8
"""So many actions were there when a model's schema did not yet say how many it knows."""
# Below 32 there is room for built-in ones. What a user has met is stored with codes of its own from 128 to
# 159 and from 252 on.
_OWN_CODES: tuple[int, ...] = (*range(32, 128), *range(160, 252))


def code_of(name: str) -> int:
    """The code of an action, by its name.

    >>> code_of("view"), code_of("report"), code_of("wishlist"), code_of("finish_chapter")
    (0, 13, 239, 109)
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return _OWN_CODES[int.from_bytes(digest) % len(_OWN_CODES)]


def known_codes(known: int, says: NDArray[np.int8] | None = None) -> NDArray[np.int64]:
    """For each code the one that stands for it in a model that knows the codes below `known`, [CODES].

    A model that was trained before an action existed reads the old action that says nearest the same:
    dislike, hide and report are skips, share, bookmark and follow are likes; of an app's own one `says`
    [CODES] (-1, 0 or 1) decides between skip, view and click.
    """
    codes: NDArray[np.int64] = np.arange(CODES)
    if known >= CODES:
        return codes
    said = np.zeros(CODES, np.int8) if says is None else says
    own = np.where(said < 0, _BUILT_IN["skip"], np.where(said > 0, _BUILT_IN["click"], _BUILT_IN["view"]))
    for name in ACTIONS[EARLIER_ACTIONS:]:
        own[_BUILT_IN[name]] = _BUILT_IN["skip" if name in NEGATIVE_ACTIONS else "like"]
    return np.where(codes < known, codes, own)


_BUILT_IN: dict[str, int] = {name: code for code, name in enumerate(ACTIONS)}
