"""Renews the model in force, again and again, and activates only a model that is better beyond the noise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from export.manifest import BETTER, Manifest, read_manifest
from export.registry import Registry
from model.errors import HeadraceError
from streams.clock import Clock
from streams.offline.renewal.continued import learned_until
from streams.offline.renewal.desk import RenewalDesk
from streams.offline.renewal.example_split import example_split
from streams.offline.renewal.renewal_state import load_state, save_state
from streams.serving.arms import models_of
from streams.serving.renewal_notes import RenewalAsked
from streams.settings.tree import Settings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
"""How often the service checks for enough logged examples, and whether Kafka and the store answer again."""

Named = Callable[[], Awaitable[frozenset[str]]]
"""The models that must stay: those that experiments of the deployment name, and those that are retained."""
InForce = Callable[[], Awaitable[str]]
"""The name of the model that the workers serve; "" if nobody has ordered one yet."""
Promote = Callable[[str], Awaitable[bool]]
"""Orders a model; False if no worker has confirmed it."""
Train = Callable[[str, str], Awaitable[bool]]
"""Trains the first model on as the second, in its own process; False if that failed, and logged why."""
RenewalOutcome = Literal["no model", "waiting", "failed", "kept", "promoted", "ordered"]


class Renewal:
    """`once` does what is due; `serve` does so every `every_s`, until `stopped`. The state is on disk.

    `said`: what there is to say of the last outcome. `desk`: where requests come from; None for none.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        folder: Path,
        in_force: InForce,
        promote: Promote,
        train: Train,
        clock: Clock,
        named: Named | None = None,
        desk: RenewalDesk | None = None,
    ) -> None:
        self.settings, self.registry, self.folder = settings, registry, folder
        self.in_force, self.promote, self.train, self.clock = in_force, promote, train, clock
        self._named, self._desk = named, desk
        self.said = ""
        self.progress = load_state(registry.folder)
        self._waiting = ""

    async def serve(self, every_s: float, stopped: asyncio.Event) -> None:
        """Renew until `stopped`, when it is due or asked for; log a failure, and try again."""
        while not stopped.is_set():
            due_s = (self.progress.last_ms - self.clock.now_ms()) / 1_000 + every_s
            asked = None if self._desk is None else await self._desk.take()
            if due_s <= 0 or self.progress.pending or asked is not None:
                try:
                    await self.told(asked, stopped)
                except HeadraceError as error:
                    log.error("no renewal: %s", error)
                due_s = min(every_s, LOOK_EVERY_S)
            await self._wait(due_s, stopped)

    async def told(
        self, asked: RenewalAsked | None = None, stopped: asyncio.Event | None = None
    ) -> RenewalOutcome:
        """`once`, of which the desk is told; not where `stopped` cut it short, for the next process takes the
        request up.
        """
        if self._desk is None:
            return await self.once()
        await self._desk.begin(asked)
        self.said = ""
        try:
            outcome = await self.once()
        except HeadraceError as error:
            await self._desk.ended("failed", str(error))
            raise
        if outcome == "failed" and stopped is not None and stopped.is_set():
            return outcome
        await self._desk.ended(outcome, self.said)
        return outcome

    async def _wait(self, due_s: float, stopped: asyncio.Event) -> None:
        """Until it is stopped, or asked, or due."""
        events = [stopped] if self._desk is None else [stopped, self._desk.wanted]
        waits = [asyncio.create_task(each.wait()) for each in events]
        try:
            await asyncio.wait(waits, timeout=due_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def once(self) -> RenewalOutcome:
        """One renewal, if there are enough examples. Raises `HeadraceError` if Kafka or the store is away."""
        parent = await self._in_force()
        if not parent:
            self.said = f"there is no model in {self.registry.folder} to renew; train one first"
            log.warning("%s", self.said)
            return "no model"
        if self.progress.pending:
            if self.progress.against == parent and self.registry.has(self.progress.pending):
                return await self._promote(self.progress.pending, parent)  # the process ended before that
            self._save(pending="", against="")
        manifest = read_manifest(self.registry.get(parent), Manifest)
        since_ms = learned_until(manifest)
        found = await asyncio.to_thread(
            example_split, self.folder, since_ms, self.settings.renewal, self.settings.seed
        )
        if found.missing:
            if self._waiting != parent:  # log this once, not every minute
                log.info("waiting: %s", found.missing)
            self._waiting, self.said = parent, found.missing
            return "waiting"
        self._waiting = ""
        name = self._name()
        log.info("renewing %r as %r with %d new examples", parent, name, found.new)
        made = await self.train(parent, name) and self.registry.has(name)
        self._save(last_ms=self.clock.now_ms())
        if not made:
            self.said = f"the training of {name!r} failed, and its log says why; {parent!r} stays in force"
            log.error("%s", self.said)
            return "failed"
        outcome = await self._judge(parent, name)
        await self._tidy(parent, name)
        return outcome

    async def _judge(self, parent: str, name: str) -> RenewalOutcome:
        facts = read_manifest(self.registry.get(name), Manifest).training
        difference, error = facts["ndcg10_difference"]
        self.said = (
            f"{name!r} is {facts['verdict']} than {parent!r}: NDCG@10 {difference:+.4f} (standard error"
            f" {error:.4f}) on {facts['judged']} examples"
        )
        log.info("%s", self.said)
        if facts["verdict"] != BETTER:
            log.info("the registry keeps %r, and %r stays in force", name, parent)
            return "kept"
        self._save(pending=name, against=parent)
        return await self._promote(name, parent)

    async def _promote(self, name: str, parent: str) -> RenewalOutcome:
        if await self.promote(name):
            self._save(pending="", against="")
            log.info("%r is active in place of %r", name, parent)
            return "promoted"
        log.warning("no worker has confirmed the order for %r; the service orders it again later", name)
        return "ordered"

    async def _in_force(self) -> str:
        """The name of the model that workers choose."""
        return await self.in_force() or self.settings.model.active or self.registry.newest() or ""

    def _name(self) -> str:
        now = datetime.fromtimestamp(self.clock.now_ms() / 1_000, UTC)
        name, number = f"renewed-{now:%Y%m%d-%H%M%S}", 2
        taken = name
        while self.registry.has(taken):
            taken, number = f"{name}-{number}", number + 1
        return taken

    async def _tidy(self, *never: str) -> None:
        kept = {*never, self.settings.model.active, *models_of(self.settings.arms)}
        for experiment in self.settings.experiments.values():
            kept |= models_of(experiment.arms)
        if self._named is not None:
            kept |= await self._named()
        for name in self.registry.keep_last(self.settings.renewal.keep_models, kept):
            log.info("deleted the old model %r", name)

    def _save(self, **changes: object) -> None:
        self.progress = msgspec.structs.replace(self.progress, **changes)
        save_state(self.registry.folder, self.progress)
