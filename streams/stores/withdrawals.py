"""The list of withdrawn items: what changed on it, and its version."""

from __future__ import annotations

from typing import NamedTuple

from model.errors import StoreError


class Withdrawals(NamedTuple):
    """Items that were withdrawn (True) or came back (False), up to `version` at least; "": none ever was.

    `whole`: all that are on the list, in place of what was known before; else only what changed since.
    """

    version: str
    whole: bool
    changes: dict[str, bool]


def version_of(withdrawals: str) -> tuple[str, int]:
    """A version of the list of withdrawn items: who began it, and how many changes it has seen since.

    A store that was emptied begins another list, whose versions don't compare with those of the one before.

    >>> version_of("f00d:12"), version_of("")
    (('f00d', 12), ('', 0))
    """
    began, _, number = withdrawals.rpartition(":")
    try:
        return began, int(number or 0)
    except ValueError:
        raise StoreError(
            f"version of the withdrawn items {withdrawals!r}: expected NAME:NUMBER, such as 'f00d:12'"
        ) from None
