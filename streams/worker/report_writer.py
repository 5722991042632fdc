"""Writes the worker's reports into the store. A store that is away is not waited for: the next says all."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from model.errors import StoreError
from streams.cancelling import cancelled
from streams.stores.base import Store
from streams.worker.reporting import Reporting
from streams.worker_reports.report import EVERY_S, KEPT_MS, encode

log = logging.getLogger(__name__)


class ReportWriter:
    """Runs until it is stopped; then the worker's report is taken away, for it has ended in order."""

    def __init__(self, store: Store, reporting: Reporting) -> None:
        self._store, self._reporting = store, reporting
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="the worker's reports")

    async def stop(self) -> None:
        if self._task is not None:
            await cancelled(self._task)
            with contextlib.suppress(StoreError):
                await self._store.put_report(self._reporting.name, b"", 0)

    async def write(self) -> None:
        """The next report. Raises `StoreError` where the store does not take it."""
        await self._store.put_report(self._reporting.name, encode(self._reporting.report()), KEPT_MS)

    async def _run(self) -> None:
        while True:
            try:
                await self.write()
                self._failed = False
            except StoreError:
                pass  # others say that it is away
            except Exception:
                # What is said of the worker must not end it.
                if not self._failed:
                    log.exception("a report could not be made")
                self._failed = True
            await asyncio.sleep(EVERY_S)
