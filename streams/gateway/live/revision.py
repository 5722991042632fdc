"""The revision of a feed: by it a client says what it has, and is sent nothing that it knows."""

from __future__ import annotations

import hashlib

from streams.gateway.shelf import ShownPart
from streams.learning.slate_ids import ID_MAX, changed_id

NOT_OWN = "-"
"""The revision of every feed of a user who has none of their own yet."""


def revision_of(shown: ShownPart) -> str:
    """Names the user's own slate, and which of its items were left out as withdrawn. "" where there is
    nothing of anybody's to show: whoever knows that much is shown what there is.

    What fills a feed up from the popular one is not in it: it changes each second, and is no news.
    """
    if not shown.stored:
        return NOT_OWN if shown.n else ""
    if not shown.withdrawn:
        return _plain(shown.stored)
    return _plain(changed_id(shown.stored, (item.item_id for item in shown.items[: shown.own])))


def _plain(slate_id: str) -> str:
    """The id, or a digest of one that could not be a line of a stream or a header."""
    if slate_id.isascii() and slate_id.isprintable() and 0 < len(slate_id) <= ID_MAX and " " not in slate_id:
        return slate_id
    return hashlib.blake2b(slate_id.encode(errors="replace"), digest_size=12).hexdigest()
