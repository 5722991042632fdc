"""What the routes of operators have in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from model.errors import BrokerUnavailableError, StoreError
from streams.gateway.errors import says, unavailable
from streams.settings.sections import GatewaySettings

READ = {
    **says(400, "A parameter is out of range, or unknown"),
    **says(404, "There is none of this name"),
    **says(503, "Kafka or the store does not answer in time"),
}
CHANGED = {
    **READ,
    **says(403, "Not from a loopback address"),
    **says(409, "It can't be done as things stand"),
}


class StoreCalls:
    """Blocks in which the store, or Kafka, has to answer in time; else the answer is 503."""

    def __init__(self, gateway: GatewaySettings) -> None:
        self._gateway = gateway

    @asynccontextmanager
    async def answering(self, timeout_s: float | None = None, part: str = "store") -> AsyncIterator[None]:
        """`timeout_s`: in place of `gateway.timeout_ms`. `part`: what is asked."""
        within_s = self._gateway.timeout_ms / 1_000 if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(within_s):
                yield
        except BrokerUnavailableError as error:
            raise unavailable("kafka", str(error), self._gateway.retry_after_s) from None
        except (StoreError, TimeoutError) as error:
            came = str(error) or f"no answer within {within_s:g} s"
            raise unavailable(part, came, self._gateway.retry_after_s) from None
