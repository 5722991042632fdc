"""The gateway from an app's side: send an event, read a feed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import aiohttp
import msgspec

from model.errors import HeadraceError
from streams.events.schema import AnyEvent, encode
from streams.gateway.feeds import Feed
from streams.gateway.receipts import Receipt

_feed_decoder = msgspec.json.Decoder(Feed)
_receipt_decoder = msgspec.json.Decoder(Receipt)
_JSON = {"Content-Type": "application/json"}
TIMEOUT_S = 10.0


class RefusedError(HeadraceError):
    """The gateway refused a request; the message is short, so that the demo can count by it."""


class GatewayClient:
    """Keeps at most `connections` connections open. Raises `RefusedError`."""

    def __init__(self, url: str, connections: int) -> None:
        self._session = aiohttp.ClientSession(
            base_url=url,
            connector=aiohttp.TCPConnector(limit=connections),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )

    async def send(self, event: AnyEvent) -> None:
        """Send one event; returns once the gateway has accepted it."""
        body = await self._ask("POST", "/v1/events", 202, encode(event))
        receipt = _receipt_decoder.decode(body)
        if receipt.accepted != 1:
            raise RefusedError(f"event {receipt.results[0].status}: {receipt.results[0].reason}")

    async def feed(self, user: str, n: int, impression: bool) -> Feed:
        """The user's feed; `impression`: the user sees it."""
        shown = "true" if impression else "false"
        return _feed_decoder.decode(
            await self._ask("GET", f"/v1/users/{user}/feed?n={n}&impression={shown}", 200)
        )

    async def ranks(self, asked: Mapping[str, object]) -> bool:
        """Whether the gateway ranks what is asked, as the body of /v1/rank."""
        try:
            await self._ask("POST", "/v1/rank", 200, msgspec.json.encode(asked))
        except RefusedError:
            return False
        return True

    async def page(self, url: str) -> str:
        """A page of another process, such as its /metrics."""
        return (await self._ask("GET", url, 200)).decode()

    async def _ask(self, method: str, path: str, status: int, body: bytes | None = None) -> bytes:
        try:
            async with self._session.request(method, path, data=body, headers=_JSON) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RefusedError(f"{method}: {type(error).__name__}") from error
        if answer.status != status:
            raise RefusedError(f"{method}: status {answer.status}")
        return content

    async def close(self) -> None:
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
