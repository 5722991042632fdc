"""What a scenario may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import SettingsError
from streams.offline.simulation.scenario import Attack, Drift, read_scenario


def test_a_file_and_what_wins_over_it(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('visits = 900\n[drift]\nat = 300\nturned = 30\n[attack]\nshare = 0.1\nkind = "loop"\n')
    scenario = read_scenario(path, {"drift": {"at": 400}, "places": 5})
    assert scenario.drift == Drift(400, 0.5, 30.0)
    assert scenario.attack == Attack(0.1, "loop")
    assert (scenario.visits, scenario.places) == (900, 5)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"vists": 5}, "unknown field `vists`"),
        ({"drift": {"reversed": 0.5}}, "missing required field `at`"),
        ({"attack": {"share": 1.0}}, "at `$.attack.share`"),
        ({"attack": {"share": 0.1, "kind": "flod"}}, "flod"),
        ({"visits": 10, "attack": {"share": 0.1, "begins": 10}}, "attack.begins is 10, but visits is 10"),
        ({"places": 3, "position_bias": 1.0, "clicks": 2.0}, "only 1.83 of 3 places are looked at"),
        ({"effect": {"utility": 1.0}}, "missing required field `arm`"),
    ],
)
def test_what_can_not_be_is_refused(tree: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_scenario(None, tree)
    assert message in str(raised.value)


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_scenario(tmp_path / "none.toml", {})
    (tmp_path / "bad.toml").write_text("visits 3")
    with pytest.raises(SettingsError, match="is not TOML"):
        read_scenario(tmp_path / "bad.toml", {})
