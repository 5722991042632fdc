"""What does not answer in time is named."""

from __future__ import annotations

import asyncio

import pytest

from streams.gateway.admin.replies import StoreCalls
from streams.gateway.errors import ProblemError
from streams.settings.processes import GatewaySettings


@pytest.mark.parametrize("part", ["store", "kafka"])
async def test_the_part_that_is_late_is_named(part: str) -> None:
    with pytest.raises(ProblemError) as refused:
        async with StoreCalls(GatewaySettings()).answering(0.001, part):
            await asyncio.Event().wait()
    assert (refused.value.problem.status, refused.value.problem.reason) == (503, f"{part}_unavailable")
