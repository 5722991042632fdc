"""The id of a slate that was changed on its way to the user: it still names the slate it was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

ID_MAX = 128
MARK = "~"


def changed_id(slate_id: str, item_ids: Iterable[str]) -> str:
    """The id under which `item_ids` are shown in the place of the slate's own; the same for the same items.

    >>> changed_id("5f", ["a", "b"]) == changed_id("5f", ["a", "b"]) != changed_id("5f", ["b"])
    True
    >>> made_id(changed_id("5f", ["a"]))
    '5f'
    """
    items = hashlib.blake2b("|".join(item_ids).encode(), digest_size=6).hexdigest()
    changed = f"{slate_id}{MARK}{items}"
    if len(changed) <= ID_MAX:
        return changed
    return hashlib.blake2b(changed.encode(), digest_size=12).hexdigest()


def made_id(slate_id: str) -> str:
    """The id of the slate that was changed; "" where the id does not say that one was.

    >>> made_id("5f")
    ''
    """
    return slate_id.rpartition(MARK)[0]
