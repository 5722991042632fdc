"""Where places stand from what was touched."""

from __future__ import annotations

import pytest

from streams.signals.lists.around import AROUND, around
from tests.streams.signals.lists.sessions import session


def test_places_around_the_last_touched_the_last_chosen_and_the_deepest() -> None:
    found = dict(
        zip(AROUND, around(session([5, 6, 7, 8], (8, 9.0), (5, 8.0), (6, 7.0), actions="vcv")), strict=True)
    )
    assert found["from_touched_next"].tolist() == [0, 0, 1, 0]
    assert found["from_touched_second"].tolist() == [0, 0, 0, 1]
    assert found["from_touched_before"].tolist() == [1, 0, 0, 0]
    assert found["from_touched_near"].tolist() == [1, 0, 1, 0.5]
    assert found["from_chosen_side"].tolist() == [0, 1, 1, 1]
    assert found["from_deepest_distance"].tolist() == pytest.approx([-0.3, -0.2, -0.1, 0])
    assert found["from_deepest_none"].tolist() == [0, 0, 0, 0]


def test_what_was_only_looked_at_is_no_choice() -> None:
    found = dict(zip(AROUND, around(session([5, 6], (6, 9.0), actions="v")), strict=True))
    assert (found["from_touched_none"].tolist(), found["from_chosen_none"].tolist()) == ([0, 0], [1, 1])
    assert not any(found[f"from_chosen_{name}"].any() for name in ("next", "near", "side", "distance"))
