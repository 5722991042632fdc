"""Who comes."""

from __future__ import annotations

import numpy as np
import pytest

from streams.offline.simulation.population import population
from streams.offline.simulation.scenario import Attack, Scenario
from tests.streams.offline.simulation.crowd import fitted_crowd, people_of


def test_by_default_they_are_those_of_the_data() -> None:
    model = fitted_crowd()
    people = people_of(model, Scenario(), known=15)
    assert sorted(people.names) == sorted(model.users)
    assert {name for name, known in zip(people.names, people.known, strict=True) if known} == {
        *model.users[:15]
    }
    assert not people.hostile.any()
    for number, name in enumerate(people.names):
        assert model.users[people.alike[number]] == name
        assert (people.tastes[number] == model.tastes[people.alike[number]]).all()


def test_more_than_the_data_has_are_new_with_tastes_as_strong() -> None:
    model = fitted_crowd()
    people = people_of(model, Scenario(users=1_000, newcomers=0.99))
    assert len(people) == 1_000
    assert len({*people.names} & {*model.users}) == 10
    new = ~np.isin(people.names, model.users)
    assert not people.known[new].any()
    strong = [float((tastes**2).sum(axis=1).mean()) for tastes in (people.tastes[new], model.tastes)]
    assert strong[0] == pytest.approx(strong[1], rel=0.2)


def test_hostile_users_are_a_share_of_all_and_change_no_honest_one() -> None:
    model = fitted_crowd()
    people = people_of(model, Scenario(attack=Attack(0.2)))
    assert people.honest == 40
    assert people.hostile.sum() == 10
    clean = people_of(model, Scenario())
    assert people.names[:40] == clean.names
    assert (people.tastes[:40] == clean.tastes).all()
    assert (people.known[:40] == clean.known).all()


def test_a_new_name_is_nobody_elses() -> None:
    model = fitted_crowd()
    people = population(model, {"hostile-0", "new-1"}, Scenario(users=44, attack=Attack(0.1)), 7)
    assert len({*people.names}) == len(people)
    assert not {"hostile-0", "new-1"} & {*people.names}
