"""What hostile users do on a visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.errors import SettingsError
from streams.offline.simulation.draws import F64, Draws
from streams.offline.simulation.scenario import Attack

LOOP = 3
NOWHERE = -1


class Act(NamedTuple):
    """A click on an item, by its row; `place` is -1 where it does not come from the slate."""

    item: int
    place: int


class Attackers:
    """`target`: the item that an attack on one item is for, the least popular one."""

    def __init__(self, attack: Attack, popularity: F64, draws: Draws) -> None:
        self.kind, self.items, self._draws = attack.kind, len(popularity), draws
        self.target = int(np.argmin(popularity))

    def acts(self, user: int, shown: Sequence[int]) -> list[Act]:
        """What the user clicks, with these items shown, in their order."""
        match self.kind:
            case "flood":
                return [Act(item, place) for place, item in enumerate(shown)]
            case "loop":
                round_trip = [int(self._draws.uniform("hostile", user, k) * self.items) for k in range(LOOP)]
                return [Act(item, NOWHERE) for item in round_trip]
            case "last":
                return [Act(shown[-1], len(shown) - 1)] if shown else []
            case "item":
                place = list(shown).index(self.target) if self.target in shown else NOWHERE
                return [Act(self.target, place)]
        raise SettingsError(f"attack {self.kind!r}; expected flood, loop, last or item")
