"""What one batch writes, in one transaction, and on what it rests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from model.errors import StoreError


class Forgotten(NamedTuple):
    """What a commit leaves of a deleted user: a tombstone. Notes about the user as of `until_ms` go, too."""

    tombstone: bytes
    until_ms: int


class Commit(NamedTuple):
    """Everything one batch writes, in one transaction.

    `expected`: the progress that was loaded; `progress`: what it becomes (keys are "topic-partition").
    Every partition of `progress` stands in `expected` too, and never moves back (`StoreError`).
    Where the stored progress is no longer what was expected, nothing at all is written (`FencedError`).
    `found`: the digest (`digest_of`) of a user's state as it was before; so for those who stand there.
    `ledger` is the batch's entry for the other processes (empty: none is added).
    `withdrawn`: whether an item is withdrawn as of now, for those that were put.
    Where the store has several shards (`redis.shards`), all of it is of one; `StoreError` else. Only states,
    feeds and items that rest on nothing and come with nothing else may be of several.
    `slates`: of users, their kept slates, which expire by a time of their own (`learning.keep_s`);
    `found_slates` is to them what `found` is to states, but the digest of their head alone (`head_of`).
    `arm_sums`: of experiments by name, what is added to which of their numbers (`experiments.arm_totals`).
    `forgotten`: users who are deleted. Their state, feed, kept slates and notes go before anything else is
    written of them, and their tombstones stay for `tombstone_ms`.
    """

    expected: Mapping[str, int]
    progress: Mapping[str, int]
    states: Mapping[str, bytes]
    feeds: Mapping[str, bytes]
    items: Mapping[str, bytes]
    ledger: bytes = b""
    found: Mapping[str, str] = {}
    withdrawn: Mapping[str, bool] = {}
    slates: Mapping[str, bytes] = {}
    found_slates: Mapping[str, str] = {}
    arm_sums: Mapping[str, Mapping[str, int]] = {}
    forgotten: Mapping[str, Forgotten] = {}
    tombstone_ms: int = 0


def digest_of(state: bytes | None) -> str:
    """Names the bytes of a state, or of a part of them; "" for none."""
    return "" if state is None else hashlib.sha1(state, usedforsecurity=False).hexdigest()


HEAD_BYTES = 16
"""So many of the first bytes of kept slates name all of them (`streams.learning.kept_slates_codec`)."""


def head_of(slates: bytes | None) -> bytes | None:
    """What names a user's kept slates; None where none are kept."""
    return None if slates is None else slates[:HEAD_BYTES]


def check_commit(commit: Commit) -> None:
    """Progress without an expectation would not be fenced, and progress that moves back would undo one."""
    for partition, offset in commit.progress.items():
        if partition not in commit.expected:
            raise StoreError(
                f"commit moves {partition} but does not say what it expects there; load it first"
            )
        if offset < commit.expected[partition]:
            raise StoreError(
                f"commit moves {partition} back, {commit.expected[partition]} to {offset}; offsets only grow"
            )
