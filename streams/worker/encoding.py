"""A folded batch as bytes: what its transaction writes, and what stays at hand of its users."""

from __future__ import annotations

from typing import NamedTuple

from streams.batch import BatchResult
from streams.learning import kept_slates_codec
from streams.learning.kept_slates import UserSlates
from streams.ranking import slate as stored_slate
from streams.state import user_state_codec
from streams.state.ledger import encode_record
from streams.state.tombstone import encode_tombstone
from streams.state.user_state import UserState
from streams.stores.commit import Commit, Forgotten, digest_of, head_of
from streams.worker.kept_states import KeptValue
from streams.worker.look_up import BatchWork


class Encoded(NamedTuple):
    """`commit` is whole but for the time at which it begins; see `begun`. `states` and `slates`: the users'
    values as they will be in the store.
    """

    commit: Commit
    states: dict[str, KeptValue[UserState]]
    slates: dict[str, KeptValue[UserSlates]]


def encoded(work: BatchWork, outcome: BatchResult, made_ms: float, tombstone_ms: int) -> Encoded:
    """All that is to be written of a batch whose slates were made at `made_ms`; it takes a while, and waits
    for nothing. tombstone_ms: how long the tombstones of deleted users stay.
    """
    for slate in outcome.slates:
        slate.times["made"] = made_ms
        slate.times["pushed"] = 0.0  # not yet; see `begun`
    forgotten = outcome.forgotten
    # Of those who were deleted nothing is there, or is to be, but what came of them since.
    states = {
        user: user_state_codec.encode(state) for user, state in outcome.states.items() if not state.gone
    }
    slates = {
        user: kept_slates_codec.encode(each)
        for user, each in outcome.kept.items()
        if user not in forgotten or not each.empty
    }
    commit = Commit(
        expected=work.expected,
        progress=work.progress,
        states=states,
        feeds={slate.user_id: stored_slate.encode(slate) for slate in outcome.slates},
        items=outcome.items,
        ledger=encode_record(outcome.record) if outcome.record else b"",
        found={user: work.digests[user] for user in {**states, **forgotten}},
        withdrawn=outcome.withdrawn,
        slates=slates,
        found_slates={user: work.slates_digests[user] for user in outcome.kept},
        arm_sums=outcome.arm_sums,
        forgotten={
            user: Forgotten(encode_tombstone(state), state.forgotten_ms) for user, state in forgotten.items()
        },
        tombstone_ms=tombstone_ms,
    )
    return Encoded(
        commit,
        {user: KeptValue(state, digest_of(states.get(user))) for user, state in outcome.states.items()},
        {user: KeptValue(each, digest_of(head_of(slates.get(user)))) for user, each in outcome.kept.items()},
    )


def begun(commit: Commit, pushed_ms: float) -> Commit:
    """The transaction as it begins: its feeds say when that is."""
    return commit._replace(
        feeds={user: stored_slate.stamped(feed, pushed_ms) for user, feed in commit.feeds.items()}
    )
