"""How the first attempt of a batch ended stands, whatever comes after it."""

from __future__ import annotations

import pytest

from streams.worker.flight import Flight


@pytest.mark.parametrize("straight", [True, False])
async def test_the_first_end_stands(straight: bool) -> None:
    flight = Flight()
    assert not flight.folded.done()
    flight.ended(straight)
    flight.ended(not straight)
    assert flight.folded.done()
    assert flight.straight.result() is straight
