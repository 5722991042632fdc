"""`headrace explain`: what the store knows of a user, and what is shown of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import DataError
from streams.commands import explain
from streams.commands.main import FAILED, main
from streams.explained import explained
from streams.settings import Settings, override
from streams.stores.memory import MemoryStore
from tests.streams.conftest import Small
from tests.streams.worker.conftest import Desk, click


async def test_the_core_and_the_user_are_those_of_the_workers(tmp_path: Path) -> None:
    store = MemoryStore()
    desk = Desk(store)
    for n in range(6):
        await desk.take(click(n, f"u{n % 2}", f"i{n % 4}"))
    settings = override(Settings(), {"model": {"registry": str(tmp_path)}})
    found = await explain.known(settings, store, "u1")
    worker = desk.replica.recommender
    assert [worker.catalog.ids[row] for row in found.state.items] == ["i1", "i3", "i1"]
    assert found.recommender.catalog.ids == worker.catalog.ids
    np.testing.assert_array_equal(
        found.recommender.counters.popularity.events[:4], worker.counters.popularity.events[:4]
    )
    with pytest.raises(DataError, match="nothing is known of user 'nobody'"):
        await explain.known(settings, store, "nobody")


@pytest.fixture
def stored(followed: Small, monkeypatch: pytest.MonkeyPatch) -> explain.Known:
    """The command's store holds what the trained core knows."""
    run = followed.run
    state = max(run.states.values(), key=lambda each: each.interactions)
    known = explain.Known(run.recommender, state, int(run.stream.interactions.ts_ms[run.at]))

    async def read(_settings: Settings, _user: str) -> explain.Known:
        return known

    monkeypatch.setattr(explain, "_known", read)
    return known


def test_each_place_is_shown_with_what_it_is_worth(
    stored: explain.Known, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--user", "u1", "--places", "2", "--history", "3"]) == 0
    shown = capsys.readouterr().out
    for place in explained(*stored, places=2, history=3):
        assert place.item_id in shown
        for item_id, worth in place.worth:
            assert f"{worth:+.3f}" in shown
            assert item_id in shown
    assert len(shown.strip().splitlines()) == 1 + 2 * 3


def test_an_unknown_item_is_said(stored: explain.Known, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--user", "u1", "--item", "no such"]) == FAILED
    assert "'no such' was never met" in capsys.readouterr().err
