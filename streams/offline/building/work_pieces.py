"""Which events become examples, and in which pieces of work."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from model.errors import SettingsError
from streams.examples.folder import LEARN, WHOLE
from streams.offline.training.warming import BURN_IN, held_out_of, scouted_until
from streams.settings.tree import Settings


class WorkPiece(NamedTuple):
    """Events `begin` up to `end`, which become examples of `kind`."""

    number: int
    kind: str
    begin: int
    end: int


class Plan(NamedTuple):
    """`early`: the pieces that a scout learns, empty without a scout. `later`: the pieces for which it
    retrieves, or all pieces; the last one judges the model.
    """

    early: Sequence[WorkPiece]
    later: Sequence[WorkPiece]

    @property
    def begin(self) -> int:
        """The first event that becomes an example."""
        return (*self.early, *self.later)[0].begin

    @property
    def end(self) -> int:
        """The run learns all events before this one."""
        return self.later[-1].end


def work_pieces(until: int, segments: int, settings: Settings) -> Plan:
    """The first `until` events in `segments` pieces to learn from, and a last piece to judge the model.

    The same events become examples as in `headrace train`, and a scout is trained after the same events. The
    training of a scout never falls inside a piece.
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
    """Where each of `pieces` equal pieces begins and ends, one after the other.

    >>> _even(10, 20, 2)
    [10, 15, 15, 20]
    """
    edges = [begin + (end - begin) * k // pieces for k in range(pieces + 1)] if pieces else []
    return [edge for pair in itertools.pairwise(edges) for edge in pair]
