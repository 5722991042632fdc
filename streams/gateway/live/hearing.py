"""The gateway's one subscription: it hears of every feed that is written or deleted, and
tells those who follow.
"""

from __future__ import annotations

import asyncio
import logging

from model.errors import StoreError
from streams.gateway.live.fan_out import FanOut
from streams.gateway.live.metrics import LiveMetrics
from streams.stores.base import Store

log = logging.getLogger(__name__)

RETRY_S = 0.25


async def keep_hearing(store: Store, fan_out: FanOut, metrics: LiveMetrics) -> None:
    """Hear, and begin anew whenever the link is lost, until cancelled. Where it begins, every followed feed
    is read: whatever was written while nobody heard of it is found then.
    """
    said = False
    while True:
        try:
            news = await store.hear_of_feeds()
            try:
                metrics.hears.set(1)
                said = False
                await fan_out.read_all()
                while True:
                    fan_out.hear(await news.next())
            finally:
                metrics.hears.set(0)
                news.close()
        except StoreError as error:
            if not said:
                log.warning("the gateway hears of no new feeds, and tries again: %s", error)
            said = True
        except Exception:  # nobody would begin anew, and live feeds would stand still
            log.exception("the gateway hears of no new feeds, and tries again")
        await asyncio.sleep(RETRY_S)
