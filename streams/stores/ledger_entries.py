"""The ledger as a store keeps it: its entries, their positions, and the snapshot that makes its past
superfluous.
"""

from __future__ import annotations

from typing import NamedTuple

from model.errors import StoreError


class LedgerEntry(NamedTuple):
    """One entry of the ledger: a totally ordered log of what was applied. Positions compare by `order_of`."""

    position: str
    writer: str
    payload: bytes


class Snapshot(NamedTuple):
    """The counters as of a ledger position, so that a starting process need not read the whole ledger.

    Entries of `writer` up to `own_position` are in it as well, even where they lie after `position`.
    """

    position: str
    writer: str
    own_position: str
    payload: bytes


LEADER = "leader"
"""The lease of the worker that saves snapshots: while it is held, a worker runs."""


START = "0-0"
"""The ledger position before the first entry."""


def order_of(position: str) -> tuple[int, int]:
    """A ledger position as numbers that compare: milliseconds of the store's clock, then a sequence number.

    >>> order_of("1763934000123-2") > order_of("1763934000123-0") > order_of(START)
    True
    """
    ms, _, sequence = position.partition("-")
    try:
        return int(ms), int(sequence)
    except ValueError:
        raise StoreError(
            f"ledger position {position!r}: expected MILLISECONDS-SEQUENCE, such as {START!r}"
        ) from None
