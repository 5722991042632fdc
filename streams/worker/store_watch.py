"""The store's own settings and role, looked at when a worker starts and every minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from model.errors import StoreUnavailableError, StoreUnfitError
from streams.settings.connections import RedisSettings
from streams.stores.base import Store
from streams.stores.condition import KINDS, concerns, refused, waits_for
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)

TURN_S = 1.0


class StoreWatch:
    """`trouble`: why the worker is not ready; `warning`: what is said although it is."""

    def __init__(
        self,
        settings: RedisSettings,
        store: Store,
        metrics: WorkerMetrics,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._store, self._metrics, self._now_s = settings, store, metrics, now_s
        self.trouble = self.warning = ""
        self._due_s = 0.0
        self._refusal = ""
        for kind in KINDS:
            metrics.store_concern.labels(kind).set(0)

    async def check(self) -> None:
        """Before the first event. Raises `StoreUnavailableError` where the store must be waited for, and
        `StoreUnfitError` where it is refused.
        """
        await self.look()
        if self._refusal:
            raise StoreUnfitError(f"{self._refusal} (redis.strict is set, so this worker does not start)")
        if self.trouble:
            raise StoreUnavailableError(self.trouble)

    async def turn(self) -> None:
        """Look where it is time to: every minute, and again and again while something is in the way."""
        if self._now_s() >= self._due_s or self.trouble:
            await self.look()

    async def look(self) -> None:
        """Ask the server. Raises `StoreUnavailableError` where it does not answer."""
        condition = await self._store.condition()
        self._due_s = self._now_s() + self._settings.watch_every_s
        found, waited = concerns(condition), waits_for(condition)
        warning = "; ".join(concern.text for concern in found)
        if warning != self.warning:
            self._say(warning, "the store's settings are in order again")
        self.warning = warning
        self._refusal = refused(found) if self._settings.strict else ""
        trouble = waited.text if waited is not None else self._refusal
        if trouble != self.trouble and waited is not None:
            log.warning("waiting: %s", trouble)
        self.trouble = trouble
        kinds = {concern.kind for concern in (*found, *([waited] if waited is not None else []))}
        for kind in KINDS:
            self._metrics.store_concern.labels(kind).set(kind in kinds)

    def _say(self, warning: str, mended: str) -> None:
        if warning:
            log.warning("%s", warning)
        else:
            log.info("%s", mended)
