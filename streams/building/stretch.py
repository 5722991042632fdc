"""Which events become examples, and in which pieces of work."""

from __future__ import annotations

from typing import NamedTuple

from model.errors import SettingsError
from streams.example_folder import LEARN, WHOLE
from streams.fit import BURN_IN, held_out_of
from streams.settings import Settings


class Stretch(NamedTuple):
    """Events `begin` up to `end`, of which examples of `kind` are made."""

    number: int
    kind: str
    begin: int
    end: int


def stretches(until: int, segments: int, settings: Settings) -> list[Stretch]:
    """The first `until` events in `segments` pieces to learn from and a last one to be judged on.

    The same events become examples as when `headrace train` makes them on the way.
    """
    first = int(until * BURN_IN)
    cut = until - held_out_of(until, first, settings.model.training)
    if not 1 <= segments <= cut - first:
        raise SettingsError(
            f"{segments} segments: expected 1 to {max(cut - first, 1)}, as there are {cut - first} events to "
            "learn from"
        )
    edges = [first + (cut - first) * k // segments for k in range(segments + 1)]
    learn = [Stretch(k, LEARN, edges[k], edges[k + 1]) for k in range(segments)]
    return [*learn, Stretch(segments, WHOLE, cut, until)]
