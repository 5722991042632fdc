"""A user's latest slates: which items they have, what of them was shown, and the answers so far.

They are kept apart from the user's state, since an impression changes them and nothing else. What is kept
is bounded by number and bytes (`fitted`); by age, it is the store that forgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from streams.learning.looks import Looks, check_looks, pack_looks, unpack_looks
from streams.learning.trial import ADAPTED
from streams.state.user_state import EVENT_ID_BYTES

NEVER = -1
TEAMS = (-1, 0, 1)
"""What a byte of `KeptSlate.teams` stands for: neither order of an interleaved slate, the first, the second.
"""
NO_TEAM = -1
ANSWERS_MAX = 64
PLACES_MAX = 200
"""Of one slate. What comes beyond is counted and not kept."""
ANSWER_BYTES, ROW_BYTES, NUMBER_BYTES, FIXED_BYTES = 40, 5, 9, 64
"""What an answer, a row, a number, and all that has a fixed size take at most."""


class Answer(NamedTuple):
    """The user did `action` (its code) with the item `row` at `ts` (ms). `value` is NaN where there is none;
    `position` is the place that the app named, -1 for none.
    """

    row: int
    action: int
    value: float
    ts: int
    position: int = NEVER


class KeptSlate(msgspec.Struct, frozen=True, gc=False):
    """One slate.

    `ts`: when it was made (ms); of a slate that the app made itself, when it was first shown.
    As made: the `rows` of its places, and their `looks`, packed (`streams.learning.looks`), `segment`, what
    its user was by then (`streams.learning.experts.segments`), and `drafted`, a byte for each place of an
    interleaved slate (`TEAMS`), else none; `trial`, a byte for each place of a slate that tries two orders
    (`streams.learning.trial`), else none. A slate of the app's own has none of these.
    As shown: `shown_ms` (NEVER: not, or not since it was closed), `shown` rows in their order, `shown_as`
    their propensities (NaN: not known) or none, `teams` a byte for each of them (`TEAMS`) or none,
    `surface`. `closed_ms`: it has been a lesson for what was shown up to then.
    `size`: how many bytes it takes at most when it is stored; it follows from the rest.
    """

    slate_id: str
    ts: int
    arm: str = "default"
    model: str = ""
    rows: tuple[int, ...] = ()
    shown_ms: int = NEVER
    shown: tuple[int, ...] = ()
    shown_as: tuple[float, ...] = ()
    surface: str = ""
    answers: tuple[Answer, ...] = ()
    closed_ms: int = NEVER
    looks: bytes = b""
    segment: str = ""
    teams: bytes = b""
    drafted: bytes = b""
    trial: bytes = b""
    size: int = 0

    def __post_init__(self) -> None:
        """Of all slates of a user the sizes are asked at each step, and one of them is new."""
        texts = self.slate_id + self.arm + self.model + self.surface + self.segment
        size = (
            FIXED_BYTES
            + (len(texts) if texts.isascii() else 4 * len(texts))
            + ROW_BYTES * (len(self.rows) + len(self.shown))
            + NUMBER_BYTES * len(self.shown_as)
            + ANSWER_BYTES * len(self.answers)
            + len(self.looks)
            + len(self.teams)
            + len(self.drafted)
            + len(self.trial)
        )
        msgspec.structs.force_setattr(self, "size", size)

    @property
    def waits(self) -> bool:
        """Whether it will be a lesson: it was shown, or answered, which says as much."""
        return self.shown_ms != NEVER or bool(self.answers)

    @property
    def since_ms(self) -> int:
        """From when on it waits."""
        if self.shown_ms != NEVER:
            return self.shown_ms
        return self.answers[0].ts if self.answers else self.ts

    def shows(self, row: int) -> bool:
        """Whether the item was shown on it; where no impression says what was: whether it is on it."""
        return row in (self.rows if self.shown_ms == NEVER else self.shown)

    def has(self, row: int) -> bool:
        """Whether the item is on it, as it was made or as it was shown."""
        return row in self.rows or row in self.shown

    def team_of(self, row: int) -> int:
        """The team of a place that was shown, of `TEAMS`; -1 for none."""
        return TEAMS[self.teams[self.shown.index(row)]] if self.teams and row in self.shown else NO_TEAM

    def looked(self) -> Looks:
        """Its looks, unpacked; `StoreError` where they can't be read."""
        return unpack_looks(self.looks, len(self.rows))


Slates = tuple[KeptSlate, ...]
"""A user's kept slates, in the order in which they were made or first shown."""


class UserSlates(NamedTuple):
    """All that is kept of a user's slates. `recent`: the keys of the last impressions that showed something
    (`fold.event_key`, end to end), by which one that its producer sends again is known, also after its slate
    has fallen. Of the shown slates that were closed of late, `seen` is how many places they had, and
    `chosen` how many of these were answered well; each that is closed takes a tenth off what came before.
    `placed`: at which places the last of them stood (`place_code`). `forgotten_ms`: when the user was
    deleted, NEVER for not; it is kept apart (`streams.state.tombstone`).
    """

    slates: Slates = ()
    recent: bytes = b""
    seen: float = 0.0
    chosen: float = 0.0
    placed: bytes = b""
    forgotten_ms: int = NEVER

    @property
    def empty(self) -> bool:
        """Whether nothing is kept."""
        return self._replace(forgotten_ms=NEVER) == NOTHING_KEPT


NOTHING_KEPT = UserSlates()
PLACED_KEPT = 16
LAST_PLACE = 255


def place_code(place: int, places: int) -> int:
    """A place from 0 in one byte; the last one of a slate has a code of its own, however long the slate."""
    return LAST_PLACE if place == places - 1 > 0 else min(place, LAST_PLACE - 1)


def checked(kept: UserSlates) -> UserSlates:
    """What was read, where its lengths fit each other; `ValueError` or `StoreError` where they don't."""
    if len(kept.recent) % EVENT_ID_BYTES:
        raise ValueError(f"{len(kept.recent)} bytes of keys of {EVENT_ID_BYTES} each")
    for slate in kept.slates:
        if slate.looks:
            check_looks(slate.looks, len(slate.rows))
        if len(slate.shown_as) not in (0, len(slate.shown)):
            raise ValueError(f"{len(slate.shown)} rows shown, {len(slate.shown_as)} propensities")
        if len(slate.teams) not in (0, len(slate.shown)) or (slate.teams and max(slate.teams) >= len(TEAMS)):
            raise ValueError(f"{len(slate.shown)} rows shown, of teams {slate.teams.hex()}")
        if len(slate.drafted) not in (0, len(slate.rows)) or max(slate.drafted, default=0) >= len(TEAMS):
            raise ValueError(f"{len(slate.rows)} rows made, of teams {slate.drafted.hex()}")
        if len(slate.trial) not in (0, len(slate.rows)) or max(slate.trial, default=0) > ADAPTED:
            raise ValueError(f"{len(slate.rows)} rows made, of orders {slate.trial.hex()}")
    return kept


class FittedSlates(NamedTuple):
    """`slates` are within the bounds; `fallen` are those that are not kept any more."""

    slates: Slates
    fallen: Slates


def fitted(slates: Slates, most: int, most_bytes: int) -> FittedSlates:
    """The slates within `most` of them and `most_bytes`.

    First those fall that wait for no answer, the oldest first, but for the newest one, which is the user's
    feed now; then the oldest of those that wait. Where bytes are short, features go before slates do.
    """
    fallen: Slates = ()
    while len(slates) > most:
        out = _order(slates)[0]
        fallen = (*fallen, slates[out])
        slates = (*slates[:out], *slates[out + 1 :])
    sizes = [slate.size for slate in slates]
    if sum(sizes) <= most_bytes:
        return FittedSlates(slates, fallen)
    kept = list(slates)
    for at in _order(slates):
        if sum(sizes) > most_bytes:
            kept[at] = msgspec.structs.replace(kept[at], looks=_without_features(kept[at]))
            sizes[at] = kept[at].size
    while kept and sum(sizes) > most_bytes:
        out = _order(kept)[0]
        fallen = (*fallen, kept.pop(out))
        sizes.pop(out)
    return FittedSlates(tuple(kept), fallen)


def _without_features(slate: KeptSlate) -> bytes:
    propensities = slate.looked().propensities
    return pack_looks(propensities=propensities) if len(propensities) else b""


def _order(slates: Sequence[KeptSlate]) -> list[int]:
    """Their places, in the order in which they fall."""
    keys = [
        (False, slate.waits, max(slate.ts, slate.shown_ms, slate.closed_ms), at)
        for at, slate in enumerate(slates)
    ]
    idle = [(slates[at].ts, at) for _, waits, _, at in keys if not waits]
    if idle:  # the newest idle one comes last of all: it is what the user sees next
        newest = max(idle)[1]
        keys[newest] = (True, *keys[newest][1:])
    return [key[3] for key in sorted(keys)]
