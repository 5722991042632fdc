"""The session that meets a list."""

from __future__ import annotations

from tests.streams.signals.lists.sessions import session


def test_a_session_begins_after_a_pause_and_knows_the_places() -> None:
    found = session([7, 8, 9], (8, 4_000.0), (9, 60.0), (5, 30.0), (7, 10.0), actions="ccvv")
    assert found.rows.tolist() == [9, 5, 7]
    assert found.places.tolist() == [2, -1, 0]
    assert found.chosen.tolist() == [True, False, False]
    assert (found.newest(), found.newest(found.chosen)) == ([0, 2], [2])


def test_who_comes_after_a_pause_has_none() -> None:
    found = session([7, 8], (7, 4_000.0))
    assert len(found.rows) == len(found.times) == len(found.places) == 0
    assert found.newest() == []
