"""Which events become examples, and in which pieces of work."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from model.errors import SettingsError
from streams.examples.folder import LEARN, WHOLE
from streams.offline.training.fit import BURN_IN, held_out_of, scouted_until
from streams.settings.tree import Settings


class WorkPiece(NamedTuple):
    """Events `begin` up to `end`, of which examples of `kind` are made."""

    number: int
    kind: str
    begin: int
    end: int


class Plan(NamedTuple):
    """`early`: what a scout learns from, empty where there is to be none. `later`: what it retrieves for,
    or everything; the last piece is to be judged on.
    """

    early: Sequence[WorkPiece]
    later: Sequence[WorkPiece]

    @property
    def begin(self) -> int:
        """The first event that becomes an example."""
        return (*self.early, *self.later)[0].begin

    @property
    def end(self) -> int:
        """All events before this one are learned."""
        return self.later[-1].end


def work_pieces(until: int, segments: int, settings: Settings) -> Plan:
    """The first `until` events in `segments` pieces to learn from and a last one to be judged on.

    The same events become examples as when `headrace train` makes them on the way, and a scout is trained
    after the same ones; no piece has examples from before it and from after it.
    """
    plan = settings.model.training
    first = int(until * BURN_IN)
    cut = until - held_out_of(until, first, plan)
    scouted = scouted_until(until, first, plan)
    least = 1 if scouted is None else 2
    if not least <= segments <= cut - first:
        raise SettingsError(
            f"{segments} segments: expected {least} to {max(cut - first, 1)}, as there are {cut - first} "
            "events to learn from" + (", and a scout between them" if scouted is not None else "")
        )
    before = 0
    if scouted is not None:
        before = min(max(round(segments * plan.scout), 1), segments - 1, scouted - first)
    edges = _even(first, scouted or first, before) + _even(scouted or first, cut, segments - before)
    learn = [WorkPiece(k, LEARN, *pair) for k, pair in enumerate(zip(edges[::2], edges[1::2], strict=True))]
    return Plan(learn[:before], [*learn[before:], WorkPiece(segments, WHOLE, cut, until)])


def _even(begin: int, end: int, pieces: int) -> list[int]:
    """Where each of so many pieces of one size begins and ends, one after the other.

    >>> _even(10, 20, 2)
    [10, 15, 15, 20]
    """
    edges = [begin + (end - begin) * k // pieces for k in range(pieces + 1)] if pieces else []
    return [edge for pair in itertools.pairwise(edges) for edge in pair]
