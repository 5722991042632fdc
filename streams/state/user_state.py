"""One user's state; `streams.state.fold` keeps it.

Items are global row numbers (see `streams.state.catalog`), so that a full history packs into a few hundred
bytes. The history is in the order of the events' times, those of one time in the order in which they came. An
event that comes late is put where its time belongs; what falls off the end is the oldest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, field
from msgspec.structs import replace
from numpy.typing import NDArray

from model.actions import ACTIONS
from model.features import RATING_PRIOR
from streams.state.consumed import EVERY_ACTION, NOTHING, Consumed
from streams.state.user_sums import NOT_MEASURED, UserSums

ACTION_CODE: dict[str, int] = {name: code for code, name in enumerate(ACTIONS)}
WORDS_DIM = 64
EVENT_ID_BYTES = 8

NEVER = -1

Rows = NDArray[np.int32]


NO_ROWS: Rows = np.empty(0, np.int32)
NO_SEARCH: NDArray[np.float32] = np.empty(0, np.float32)


def _rows() -> Rows:
    return NO_ROWS


class StateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of a user's state; together they keep a full state under 12 KB.

    `consumed_bytes`: what the items take that the user has met. Within it they are known exactly; beyond it
    by a filter that holds every one of them, and takes some others for met too (see `consumed`).
    `pending_slates`: how many slates wait for answers, beside the state (`streams.learning`), and of how many
    places of each, `pending_items`, the features are kept. `search_follows_s`: for how long what is made for
    a user reads their latest search; 0 for not at all.
    """

    history: Annotated[int, Meta(gt=0, le=1_000)] = 50
    recent_event_ids: Annotated[int, Meta(gt=0, le=10_000)] = 64
    consumed_bytes: Annotated[int, Meta(ge=64, le=65_535)] = 7_900
    pending_slates: Annotated[int, Meta(gt=0, le=64)] = 4
    pending_items: Annotated[int, Meta(gt=0, le=200)] = 20
    words_half_life: Annotated[float, Meta(gt=0)] = 5.0
    activity_half_life_s: Annotated[float, Meta(gt=0)] = 86_400.0
    search_follows_s: Annotated[float, Meta(ge=0)] = 1_800.0
    ttl_days: Annotated[float, Meta(gt=0, le=36_500)] = 365.0


class Interaction(NamedTuple):
    """What one applied click or review means to the counters.

    `previous`: rows of the user's history before it, newest first. `tied`: how many of those share its
    timestamp, so their order is unknown. `following`: rows after it, oldest first, where it came late. Both
    leave out what the user did not like: nothing goes together with it.
    `rating` and `value` are NaN where there is none. `slate_id`, `surface` and `arm` ("": not told) and
    `position` (-1) say where it came from: as the event has it, else as the slate that it was joined with.
    `share`: what part of it counts, from 0 to 1 (`streams.counters.shares`). `user`: who acted, as the ledger
    tells it.
    """

    row: int
    ts: int
    action: int
    rating: float
    previous: Rows
    tied: int
    following: Rows = NO_ROWS
    slate_id: str = ""
    position: int = -1
    value: float = math.nan
    surface: str = ""
    arm: str = ""
    share: float = 1.0
    user: str = ""


class UserState(msgspec.Struct, frozen=True, gc=False):
    """Everything that is remembered of one user. Arrays are oldest first, by the events' times, and never
    changed in place. The garbage collector passes over states: they hold no cycles.

    n <= history: items[n] int32 rows, actions[n] uint8 codes, ratings[n] float32 (NaN: none), times[n] int64.
    `activity` is a forward-decayed count of interactions as of `last_ts`. `words` is the decaying mean of the
    user's own review vectors, [WORDS_DIM] or empty, rounded to float16; `liked` is the same mean with each
    vector times its sentiment, from -1 for one star to 1 for five (0 where the review has no rating).
    `searched`: the vector of the latest search that a click told of, [WORDS_DIM] or empty, rounded likewise;
    `searched_ms`: that click's time.
    `sums`: what experiments measure of the user; the fold leaves it as it is. `forgotten_ms`: when the user
    was deleted, NEVER for not; `gone`: and nothing has come of them since. These two are kept apart from the
    state (`streams.state.tombstone`).
    """

    items: Rows = field(default_factory=_rows)
    actions: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    ratings: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    times: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    consumed: Consumed = NOTHING
    interactions: int = 0
    rating_count: int = 0
    rating_sum: float = 0.0
    activity: float = 0.0
    last_ts: int = 0
    words: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    words_weight: float = 0.0
    liked: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    weights: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    recent: tuple[bytes, ...] = ()
    offsets: dict[str, int] = field(default_factory=dict)
    profile: dict[str, str] = field(default_factory=dict)
    searched: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    searched_ms: int = NEVER
    sums: UserSums = NOT_MEASURED
    forgotten_ms: int = NEVER
    gone: bool = False

    def mean_rating(self, overall: float) -> float:
        """The user's mean rating, drawn to the mean of all by `RATING_PRIOR` ratings' worth."""
        return (self.rating_sum + RATING_PRIOR * overall) / (self.rating_count + RATING_PRIOR)

    def has_consumed(self, row: int, blocking: int = EVERY_ACTION) -> bool:
        """Whether the item was met by one of the actions in `blocking` (`action_meaning.Meanings`)."""
        return self.consumed.has(row, blocking)

    def newest_row(self) -> int:
        """The highest row that the state names; -1 for none."""
        return max(self.consumed.newest(), int(self.items.max()) if len(self.items) else -1)

    def search_at(self, now_ms: int, follows_s: float) -> NDArray[np.float32] | None:
        """The vector of the latest search, [WORDS_DIM]; None for none within `follows_s` before."""
        follows = bool(follows_s) and now_ms - self.searched_ms <= follows_s * 1_000
        return self.searched if follows and len(self.searched) else None

    def with_sums(self, sums: UserSums) -> UserState:
        """The state with other sums: something has come of the user."""
        return replace(self, sums=sums, gone=False)

    def until(self, ts: int) -> UserState:
        """The state without the interactions of its history, and the search, that are later than `ts`; counts
        and means keep them.
        """
        if ts >= self.last_ts:
            return self
        at = int(self.times.searchsorted(ts, "right"))
        later: dict[str, Any] = {"searched": NO_SEARCH, "searched_ms": NEVER} if self.searched_ms > ts else {}
        return replace(
            self,
            **later,
            items=self.items[:at],
            actions=self.actions[:at],
            ratings=self.ratings[:at],
            times=self.times[:at],
        )


EMPTY = UserState()


def newest_row(states: Iterable[UserState]) -> int:
    """The newest row that any of them names; -1 for none."""
    return max((state.newest_row() for state in states), default=-1)
