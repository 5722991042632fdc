"""Where a renewal process takes requests, and tells how far it is (`streams.serving.renewal_notes`)."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from pathlib import Path

import msgspec

from model.errors import StoreError
from streams.clock import Clock
from streams.serving.renewal_notes import (
    RenewalAsked,
    RenewalStatus,
    end_renewal,
    read_renewal,
    take_renewal,
    take_up_renewal,
    tell_alive,
    tell_status,
)
from streams.stores.base import Store

log = logging.getLogger(__name__)

TURN_S = 2.0
WRITE_EVERY_S = 1.0
PROGRESS = ".renewal-progress.json"
"""The file in the registry in which a training says how far it is."""
SAID_MOST = 1_000
TRIES_MOST = 3
"""A request whose process ended so often is told as failed: what it asks for may be what ends processes."""
QUIET = ("waiting", "no model")
"""Outcomes of the schedule's own looks that are no news."""


class Progress(msgspec.Struct, frozen=True):
    """How far a training is: `done` of `total` parts of a stage."""

    stage: str
    done: int
    total: int


class RenewalDesk:
    """`turn` by turn it says that this process lives, and how far it is; `wanted` is set while a request
    waits. A store that is away stops no renewal.
    """

    def __init__(self, store: Store, clock: Clock, progress: Path) -> None:
        self._store, self._clock, self._progress = store, clock, progress
        self._who = f"{socket.gethostname()}:{os.getpid()}"
        self.wanted = asyncio.Event()
        self.status = RenewalStatus()
        self._told: RenewalStatus | None = None
        self._away = False
        self._looked_back = False
        self._ended: list[str] = []
        self._turning = asyncio.Lock()

    async def run(self) -> None:
        """Turn after turn, until it is cancelled."""
        while True:
            await self.turn()
            await asyncio.sleep(TURN_S)

    async def turn(self) -> None:
        """Tell what there is to tell, and look for a request; one turn at a time."""
        async with self._turning:
            await self._turn()

    async def _turn(self) -> None:
        try:
            await tell_alive(self._store, self._who)
            seen = await read_renewal(self._store)
            if self._told is None and not self.status.outcome:  # what a process before this one ended with
                self.status = msgspec.structs.replace(
                    seen.status, began_ms=self.status.began_ms, request_id=self.status.request_id,
                    stage=self.status.stage,
                )  # fmt: skip
            if seen.asked is not None or (seen.taken is not None and not self._looked_back):
                self.wanted.set()
            if self.status.began_ms:
                self.status = msgspec.structs.replace(
                    self.status, **msgspec.structs.asdict(read_progress(self._progress))
                )
            telling = self.status
            if telling != self._told and await tell_status(self._store, telling):
                self._told = telling
            while self._ended:
                await end_renewal(self._store, self._ended[0])
                del self._ended[0]
            self._away = False
        except StoreError as error:
            if not self._away:
                log.warning("nobody is told of renewals: %s", error)
            self._away = True

    async def take(self) -> RenewalAsked | None:
        """The request to work on now, if there is one: first that which a process before this one left."""
        self.wanted.clear()
        try:
            if not self._looked_back:
                left = await take_up_renewal(self._store)
                self._looked_back = True
                if left is not None and left.tries <= TRIES_MOST:
                    log.info("a process before this one began the request %s and has ended", left.request_id)
                    return left
                if left is not None:
                    await self._give_up(left)
            return await take_renewal(self._store)
        except StoreError:
            return None

    async def _give_up(self, asked: RenewalAsked) -> None:
        said = f"{TRIES_MOST} renewal processes ended while they worked on this request; their logs say why"
        log.error("%s: %s", asked.request_id, said)
        self.status = msgspec.structs.replace(self.status, request_id=asked.request_id)
        await self.ended("failed", said)

    async def begin(self, asked: RenewalAsked | None) -> None:
        """A renewal begins, for a request or by the schedule."""
        self._progress.unlink(missing_ok=True)
        if asked is not None:
            log.info("asked for by %s: %s", asked.by, asked.because or "no reason given")
        self.status = msgspec.structs.replace(
            self.status, began_ms=self._clock.now_ms(), request_id="" if asked is None else asked.request_id,
            stage="", done=0, total=0,
        )  # fmt: skip
        if asked is not None:
            await self.turn()

    async def ended(self, outcome: str, said: str) -> None:
        """It has ended. What the schedule alone looks for in vain, again and again, is not told."""
        request_id = self.status.request_id
        self._progress.unlink(missing_ok=True)
        self.status = msgspec.structs.replace(
            self.status, began_ms=0, request_id="", stage="", done=0, total=0
        )
        if request_id or outcome not in QUIET:
            self.status = msgspec.structs.replace(
                self.status, outcome=outcome, said=said[:SAID_MOST], ended_ms=self._clock.now_ms(),
                ended_request_id=request_id,
            )  # fmt: skip
            if request_id:
                self._ended.append(request_id)
            await self.turn()


class ProgressFile:
    """Writes how far a training is into a file, once in `WRITE_EVERY_S` at most."""

    def __init__(self, path: Path) -> None:
        self._path, self._next_s, self._stage = path, 0.0, ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        now_s = time.monotonic()
        if now_s < self._next_s and stage == self._stage and done < total:
            return
        self._next_s, self._stage = now_s + WRITE_EVERY_S, stage
        staging = self._path.with_suffix(".writing")
        try:
            staging.write_bytes(msgspec.json.encode(Progress(stage, done, total)))
            staging.replace(self._path)
        except OSError as error:
            log.debug("the progress is not written: %s", error)


def read_progress(path: Path) -> Progress:
    """What a training wrote; nothing where it wrote nothing yet."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError):
        return Progress("", 0, 0)
