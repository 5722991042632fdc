"""The worker that leads notes the sums of experiments, stops arms that do harm, and moves adaptive weights.

Weights move at the times that the experiment declares, each time with an entry in the log. An arm that
crosses a guardrail is stopped as anybody would stop it, with an entry too: its users get what control makes,
from the next slate on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from model.errors import ExperimentError, FencedError
from streams.clock import Clock
from streams.experiments.allocation.reweighing import weighed
from streams.experiments.metrics import plain_sums
from streams.experiments.registry.changes import arm_stopped, reweighed
from streams.experiments.registry.periods import due
from streams.experiments.registry.planned import plan_of
from streams.experiments.registry.state import Experiment, Registry
from streams.serving.experiment_readings import Course, course
from streams.serving.experiment_registry import change
from streams.settings.tree import Settings
from streams.stores.base import Store

log = logging.getLogger(__name__)

ACTOR, WEIGHS = "guardrail", "allocation"
NOTES_A_PERIOD = 2
"""Of the sums of an adaptive experiment, which has so many as it has periods."""


class ExperimentWatch:
    """`look` once for each note; only where this worker leads."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self.settings, self.store, self.clock = settings, store, clock
        self._noted_ms: dict[str, int] = {}

    async def look(self, registry: Registry) -> None:
        """Note the sums of all that run, read their guardrails, and weigh the arms of those that are due.
        Raises `StoreUnavailableError`.
        """
        for name, each in registry.running():
            await self._note(name, each)
            if each.declared.guardrails:
                await self._guard(name, each)
            if due(each, self.clock.now_ms()):
                await self._weigh(name, each)

    async def _note(self, name: str, experiment: Experiment) -> None:
        now_ms, key = self.clock.now_ms(), experiment.key(name)
        if experiment.declared.adapts:
            since_ms = now_ms - self._noted_ms.get(key, -(2**62))
            if since_ms < experiment.declared.adaptive.every_ms // NOTES_A_PERIOD:
                return
        await self.store.append_sums_history(key, now_ms)
        self._noted_ms[key] = now_ms

    async def _weigh(self, name: str, experiment: Experiment) -> None:
        plan, known = plan_of(experiment), self.settings.known_metrics
        if plan is None or plan.primary not in known or len(experiment.in_force) < 2:
            return
        sums = plain_sums(await self.store.read_arm_sums(experiment.key(name)), [known[plan.primary]])
        found = await asyncio.to_thread(weighed, experiment, plan, sums)
        now_ms = self.clock.now_ms()
        try:
            await change(
                self.store,
                self.settings.experiments,
                WEIGHS,
                now_ms,
                lambda registry: reweighed(registry, name, *found, now_ms),
            )
        except (ExperimentError, FencedError) as error:  # somebody else was first; the next note looks again
            log.info("the arms of experiment %s are not weighed: %s", name, error)
        else:
            said = ", ".join(f"{arm} {weight:.3f}" for arm, weight in found.weights.items())
            log.info("experiment %s, after %d users: %s", name, found.users, said)

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
