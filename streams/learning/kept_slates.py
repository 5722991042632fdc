"""A user's latest slates: what their places looked like when they were made, what of them was shown, and the
answers so far.

They are kept apart from the user's state, since an impression changes them and nothing else. What is kept
is bounded by number and bytes (`fitted`); by age, it is the store that forgets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.state.user_state import NO_ROWS, Rows

F16 = NDArray[np.float16]
NO_NUMBERS: F32 = np.empty(0, np.float32)
NO_FEATURES: F16 = np.empty((0, 0), np.float16)
NEVER = -1
DIGEST_BYTES = 8
ANSWERS_MAX = 64
PLACES_MAX = 200
"""Of one slate. What comes beyond is counted and not kept."""
ANSWER_BYTES = 40


class Answer(NamedTuple):
    """The user did `action` (its code) with the item `row` at `ts` (ms). `value` is NaN where there is none;
    `position` is the place that the app named, -1 for none.
    """

    row: int
    action: int
    value: float
    ts: int
    position: int = NEVER


@dataclass(frozen=True, slots=True)
class KeptSlate:
    """One slate. Arrays are never changed in place.

    `ts`: when it was made (ms); of a slate that the app made itself, when it was first shown.
    As made, P places: rows int32 [P], scores float32 [P], propensities float32 [P] or none; features float16
    [Q, F] of the first Q places, `names` the digest of the F names (`digest_of_names`). A slate of the app's
    own has none of these.
    As shown: `shown_ms` (NEVER: not, or not since it was closed), `shown` rows in their order, `shown_as`
    their propensities (NaN: not known) or none, `surface`. `closed_ms`: it has been a lesson for what was
    shown up to then.
    """

    slate_id: str
    ts: int
    arm: str = "default"
    model: str = ""
    rows: Rows = field(default_factory=lambda: NO_ROWS)
    scores: F32 = field(default_factory=lambda: NO_NUMBERS)
    propensities: F32 = field(default_factory=lambda: NO_NUMBERS)
    features: F16 = field(default_factory=lambda: NO_FEATURES)
    names: bytes = b""
    shown_ms: int = NEVER
    shown: Rows = field(default_factory=lambda: NO_ROWS)
    shown_as: F32 = field(default_factory=lambda: NO_NUMBERS)
    surface: str = ""
    answers: tuple[Answer, ...] = ()
    closed_ms: int = NEVER

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
        return bool(((self.rows if self.shown_ms == NEVER else self.shown) == row).any())

    def has(self, row: int) -> bool:
        """Whether the item is on it, as it was made or as it was shown."""
        return bool((self.shown == row).any() or (self.rows == row).any())

    @property
    def bytes(self) -> int:
        """What it takes at most when it is stored."""
        return (
            64
            + _room(self.slate_id)
            + _room(self.arm)
            + _room(self.model)
            + _room(self.surface)
            + self.rows.nbytes
            + self.scores.nbytes
            + self.propensities.nbytes
            + self.features.nbytes
            + self.shown.nbytes
            + self.shown_as.nbytes
            + ANSWER_BYTES * len(self.answers)
        )


def _room(text: str) -> int:
    return len(text) if text.isascii() else 4 * len(text)


Slates = tuple[KeptSlate, ...]
"""A user's kept slates, in the order in which they were made or first shown."""


class UserSlates(NamedTuple):
    """All that is kept of a user's slates. `recent`: the keys of the last impressions (`fold.event_key`), by
    which one that its producer sends again is known, also after its slate has fallen.
    """

    slates: Slates = ()
    recent: tuple[bytes, ...] = ()


NOTHING_KEPT = UserSlates()


class Fitted(NamedTuple):
    """`slates` are within the bounds; `fallen` are those that are not kept any more."""

    slates: Slates
    fallen: Slates


def fitted(slates: Slates, most: int, most_bytes: int) -> Fitted:
    """The slates within `most` of them and `most_bytes`.

    First those fall that wait for no answer, the oldest first, but for the newest one, which is the user's
    feed now; then the oldest of those that wait. Where bytes are short, features go before slates do.
    """
    fallen: list[KeptSlate] = []
    while len(slates) > most:
        out = _order(slates)[0]
        fallen.append(slates[out])
        slates = (*slates[:out], *slates[out + 1 :])
    if sum(slate.bytes for slate in slates) <= most_bytes:
        return Fitted(slates, tuple(fallen))
    kept = list(slates)
    for at in _order(slates):
        if sum(slate.bytes for slate in kept) > most_bytes:
            kept[at] = replace(kept[at], features=NO_FEATURES, scores=NO_NUMBERS, names=b"")
    while kept and sum(slate.bytes for slate in kept) > most_bytes:
        fallen.append(kept.pop(_order(kept)[0]))
    return Fitted(tuple(kept), tuple(fallen))


def _order(slates: Sequence[KeptSlate]) -> list[int]:
    """Their places, in the order in which they fall."""
    idle = [at for at, slate in enumerate(slates) if not slate.waits]
    newest = max((at for at in idle), key=lambda at: (slates[at].ts, at), default=-1)

    def when(at: int) -> tuple[bool, bool, int, int]:
        slate = slates[at]
        # The newest idle one comes last of all: it is what the user sees next.
        return at == newest, slate.waits, max(slate.ts, slate.shown_ms, slate.closed_ms), at

    return sorted(range(len(slates)), key=when)


def digest_of_names(names: Sequence[str]) -> bytes:
    """Names the columns of a matrix of features, so that a reader knows which they are."""
    return hashlib.blake2b("\n".join(names).encode(), digest_size=DIGEST_BYTES).digest()
