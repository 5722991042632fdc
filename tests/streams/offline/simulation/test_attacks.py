"""What hostile users do."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.simulation.attacks import Act, Attackers
from streams.offline.simulation.draws import Draws
from streams.offline.simulation.scenario import Attack, AttackKind

POPULARITY = np.array([3.0, 1.0, 0.5, 2.0, 4.0])


@pytest.mark.parametrize(
    ("kind", "shown", "acts"),
    [
        ("flood", [4, 0, 3], [Act(4, 0), Act(0, 1), Act(3, 2)]),
        ("last", [4, 0, 3], [Act(3, 2)]),
        ("last", [], []),
        ("item", [4, 2], [Act(2, 1)]),
        ("item", [4, 0], [Act(2, -1)]),
    ],
)
def test_each_kind(kind: AttackKind, shown: list[int], acts: list[Act]) -> None:
    assert Attackers(Attack(0.1, kind), POPULARITY, Draws(7)).acts(9, shown) == acts


def test_a_loop_is_the_users_own_and_always_the_same() -> None:
    attackers = Attackers(Attack(0.1, "loop"), np.arange(1_000.0), Draws(7))
    loop = attackers.acts(9, [1, 2])
    assert attackers.acts(9, [5]) == loop
    assert len({act.item for act in loop}) == 3
    assert {act.place for act in loop} == {-1}
    assert attackers.acts(8, [1, 2]) != loop
