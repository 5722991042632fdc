"""The experiments that this process serves: what the store's registry says, as soon as it can be served.

An experiment waits until the models of its arms are in service: nobody is shown a slate of an arm that
another model made. One that this build or its settings can't serve is left out, and said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from model.errors import SettingsError, StoreError, StoreUnavailableError
from streams.experiments.declared.experiment import ExperimentArm
from streams.experiments.registry.measuring import measured_of
from streams.experiments.registry.state import NONE, Experiment, Registry, decode
from streams.recommender import Recommender
from streams.serving.replica import Replica
from streams.stores.base import Store

log = logging.getLogger(__name__)

EVERY_S = 0.4
"""So often the registry is looked at: a change is in force within a second."""


class NamedModels(Protocol):
    """The models of this process, as far as experiments name them."""

    mending: asyncio.Task[None] | None

    def want(self, models: frozenset[str]) -> None:
        """Load what is new of these, in the background."""
        ...

    def serves(self, model: str) -> bool:
        """Whether it is in service, whichever is active."""
        ...

    def why(self, model: str) -> str:
        """Why it could not be loaded, to stand behind its name; "" where that is not known."""
        ...

    async def release(self) -> None:
        """Let go of what nothing names any more."""
        ...


class ServedExperiments:
    """`turn` brings the core up to the registry. `trouble`: experiments that run and that this process does
    not serve, and why.
    """

    def __init__(self, store: Store, replica: Replica, models: NamedModels) -> None:
        self.store, self.replica, self.models = store, replica, models
        self.registry: Registry = NONE
        self.trouble: dict[str, str] = {}
        self._raw: bytes | None = None
        self._unfit: dict[str, str] = {}
        self._served: tuple[Recommender, bytes | None, frozenset[str]] | None = None

    @property
    def said(self) -> str:
        """Which experiments wait, and why; "" where none does."""
        return "; ".join(f"experiment {name} is not served: {why}" for name, why in self.trouble.items())

    async def begin(self) -> None:
        """The first turn: returns once the models were loaded that experiments name, or could not be."""
        await self.turn()
        if self.models.mending is not None:
            await self.models.mending
            await self.turn()

    async def turn(self) -> None:
        """Look at the registry, and serve what it says. Raises `StoreUnavailableError`."""
        raw = await self.store.experiments()
        if raw != self._raw:
            try:
                registry = decode(raw)
            except StoreError as error:
                self._say({"registry": str(error)})
                return  # they go on as they were
            self._raw, self.registry = raw, registry
            self.replica.measured = measured_of(registry, self.replica.settings.known_metrics)
            core = self.replica.recommender
            self._unfit = await self.replica.core.call(_unfit, core, self._in_force())
        named = {arm.model for _, each in self._in_force() for arm in _arms(each) if arm.model}
        self.models.want(frozenset(named))
        await self._serve()
        await self.models.release()

    def _in_force(self) -> list[tuple[str, Experiment]]:
        return [*self.registry.running(), *self.registry.shipped()]

    async def _serve(self) -> None:
        trouble = dict(self._unfit)
        for name, each in self._in_force():
            lacking = [arm.model for arm in _arms(each) if arm.model and not self.models.serves(arm.model)]
            if lacking and name not in trouble:
                trouble[name] = f"model {lacking[0]!r} is being loaded{self.models.why(lacking[0])}"
        self._say(trouble)
        core, without = self.replica.recommender, frozenset(trouble)
        if self._served != (core, self._raw, without):
            await self.replica.core.call(_run, core, self.registry, without)
            self._served = core, self._raw, without
            running = [name for name, _ in self._in_force() if name not in without]
            log.info("experiments in force: %s", ", ".join(running) or "none")

    def _say(self, trouble: dict[str, str]) -> None:
        for name, why in trouble.items():
            if self.trouble.get(name) != why:
                log.warning("experiment %s is not served: %s", name, why)
        self.trouble = trouble

    async def run(self, every_s: float = EVERY_S) -> None:
        """Turn after turn, until it is cancelled. A store that is away is waited for."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.turn()
            except StoreUnavailableError as error:
                log.debug("the experiments are not followed: %s", error)


def _arms(experiment: Experiment) -> list[ExperimentArm]:
    """Those by which slates are made."""
    arms = experiment.declared.arms
    return [arms[experiment.winner]] if experiment.state == "shipped" else list(arms.values())


def _unfit(core: Recommender, in_force: Sequence[tuple[str, Experiment]]) -> dict[str, str]:
    """Which of these this build, or its settings, can't serve at all, and why. In the core's thread."""
    unfit = {}
    for name, each in in_force:
        try:
            core.arms.check(name, each.declared)
        except SettingsError as error:
            unfit[name] = str(error)
    return unfit


def _run(core: Recommender, registry: Registry, without: frozenset[str]) -> None:
    """In the core's thread."""
    core.arms.run(registry, without)
