"""What the users did who acted last, as far as it is at hand in one process: a bounded sample of all users.

The ledger tells of each interaction who acted, and which items stand in their history. So one entry says all
that is kept of a user here: those of their history's items that they did not dislike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from streams.state.action_meaning import Meanings
from streams.state.columns import longer, room_for
from streams.state.tombstone import digest_of_user
from streams.state.user_state import Interaction, Rows

MOST_USERS = 20_000
"""Users who are known at once; whoever acted longest ago gives way."""
MOST_ITEMS = 50
"""Items of one user, those next to what they did last."""


class RecentUsers:
    """Of user `slot`: items[slot, :counts[slot]], int32 rows, each once; newest_ms[slot]: the time of the
    newest event. 4 MB for `MOST_USERS`.
    """

    def __init__(self, most_users: int = MOST_USERS, most_items: int = MOST_ITEMS) -> None:
        self.most_users = most_users
        self.items = np.zeros((0, most_items), np.int32)
        self.counts = np.zeros(0, np.int32)
        self.newest_ms = np.zeros(0, np.int64)
        self._slots: dict[str, int] = {}
        self._names: list[str] = []
        self._unused: list[int] = []

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[str]:
        """The users, the one who acted longest ago first."""
        return iter(self._slots)

    @property
    def names(self) -> list[str]:
        """By slot."""
        return self._names

    @property
    def slots(self) -> Mapping[str, int]:
        """By user."""
        return self._slots

    def note(self, interaction: Interaction, meanings: Meanings) -> None:
        """Take what an interaction says of its user; nothing where it does not name them."""
        if not interaction.user:
            return
        rows = [*interaction.following.tolist()[::-1], interaction.row, *interaction.previous.tolist()]
        slot = self._slots.pop(interaction.user, -1)
        if slot >= 0 and len(rows) == 1 and interaction.ts < self.newest_ms[slot]:
            # It is older than all of a full history: what is known stays.
            rows += self.items[slot, : self.counts[slot]].tolist()
        if meanings.sign(interaction.action, interaction.rating) < 0:
            rows = [row for row in rows if row != interaction.row]
        if slot < 0:
            slot = self._free()
            self._names[slot], self.newest_ms[slot] = interaction.user, interaction.ts
        self.newest_ms[slot] = max(int(self.newest_ms[slot]), interaction.ts)
        kept = list(dict.fromkeys(rows))[: self.items.shape[1]]
        self.items[slot, : len(kept)], self.counts[slot] = kept, len(kept)
        self._slots[interaction.user] = slot

    def of(self, user: str) -> Rows | None:
        """What is known of a user: int32 [n]; None for nothing."""
        slot = self._slots.get(user)
        return None if slot is None else self.items[slot, : self.counts[slot]].copy()

    def forget(self, digests: Collection[bytes]) -> None:
        """Nothing is known any more of the users whose digests these are (`streams.state.tombstone`)."""
        for user in [name for name in self._slots if digest_of_user(name) in digests]:
            slot = self._slots.pop(user)
            self._names[slot], self.counts[slot] = "", 0
            self.items[slot] = 0
            self._unused.append(slot)

    def _free(self) -> int:
        if self._unused:
            return self._unused.pop()
        if len(self._slots) == self.most_users:
            return self._slots.pop(next(iter(self._slots)))
        slot = len(self._names)
        self._names.append("")
        if slot == len(self.counts):
            room = min(room_for(slot + 1), self.most_users)
            self.items, self.counts = longer(self.items, room), longer(self.counts, room)
            self.newest_ms = longer(self.newest_ms, room)
        return slot
