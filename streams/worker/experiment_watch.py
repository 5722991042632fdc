"""The worker that leads notes the sums of experiments, and stops arms that do harm.

An arm that crosses a guardrail is stopped as anybody would stop it, with an entry in the log: its users get
what control makes, from the next slate on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from model.errors import ExperimentError, FencedError
from streams.clock import Clock
from streams.experiments.registry.changes import arm_stopped
from streams.experiments.registry.state import Experiment, Registry
from streams.serving.experiment_readings import Course, course
from streams.serving.experiment_registry import change
from streams.settings.tree import Settings
from streams.stores.base import Store

log = logging.getLogger(__name__)

ACTOR = "guardrail"


class ExperimentWatch:
    """`look` once for each note; only where this worker leads."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings, self.store, self.clock = settings, store, clock

    async def look(self, registry: Registry) -> None:
        """Note the sums of all that run, then read their guardrails. Raises `StoreUnavailableError`."""
        for name, each in registry.running():
            await self.store.append_sums_history(each.key(name), self.clock.now_ms())
            if each.declared.guardrails:
                await self._guard(name, each)

    async def _guard(self, name: str, experiment: Experiment) -> None:
        seen = await course(self.store, name, experiment, self.settings.known_metrics, self.clock.now_ms())
        # Not in the loop's thread: it reads hundreds of notes.
        for arm, why in await asyncio.to_thread(_crossed, seen) if isinstance(seen, Course) else ():
            if arm not in experiment.stopped_arms:
                await self._stop(name, arm, why)

    async def _stop(self, name: str, arm: str, why: str) -> None:
        now_ms = self.clock.now_ms()
        try:
            await change(
                self.store,
                self.settings.experiments,
                ACTOR,
                now_ms,
                lambda registry: arm_stopped(registry, name, arm, now_ms, why),
            )
        except (ExperimentError, FencedError) as error:  # somebody else was first; the next note looks again
            log.info("arm %s of experiment %s is not stopped by its guardrail: %s", arm, name, error)
        else:
            log.warning("experiment %s: %s", name, why)


def _crossed(seen: Course) -> Sequence[tuple[str, str]]:
    """The arms that must be stopped, each once, and why."""
    from streams.experiments.readings.guardrails import crossed

    found: dict[str, str] = {}
    for each in crossed(seen.plan, [sums for _, sums in seen.points]):
        found.setdefault(each.arm, each.text)
    return list(found.items())
