"""/v1/admin/experiments: experiments over HTTP. What changes them is for the gateway's own machine alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec
from litestar import Request

from model.errors import FencedError, StoreError
from streams.clock import Clock
from streams.events.refused_value import read_with_value
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.reading import read_experiment
from streams.experiments.readings.over_time import CourseOverTime, over_time, votes_over_time
from streams.experiments.registry.audit import RegistryChange
from streams.experiments.registry.changes import arm_stopped, declared, shipped, started, stopped
from streams.experiments.registry.state import Registry, find
from streams.gateway.bodies import body_of
from streams.gateway.errors import ProblemError, problem, unavailable
from streams.gateway.experiment_bodies import (
    AuditView,
    ChangeMade,
    ChangeReason,
    ExperimentList,
    ExperimentView,
    ReadingView,
    ShipRequest,
    reading_view,
    view,
)
from streams.gateway.loopback import check_loopback
from streams.serving.experiment_readings import Course, VotesCourse, course
from streams.serving.experiment_registry import Step, audit, change, read_registry, remove
from streams.settings.tree import Settings
from streams.stores.base import Store

PATH = "/v1/admin/experiments"
T = TypeVar("T")
Asked = Request[Any, Any, Any]


class Experiments:
    """What the routes share."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._gateway = settings.gateway

    async def all(self) -> ExperimentList:
        registry = await self._answered(read_registry(self._store, self._settings.experiments))
        now_ms = self._clock.now_ms()
        return ExperimentList([view(*each, now_ms) for each in sorted(registry.experiments.items())])

    async def one(self, name: str) -> ExperimentView:
        registry = await self._answered(read_registry(self._store, self._settings.experiments))
        return view(name, find(registry, name), self._clock.now_ms())

    async def reading(self, name: str) -> ReadingView:
        found = await self._answered(self._seen(name))
        return await asyncio.to_thread(reading_view, name, found)

    async def course(self, name: str) -> CourseOverTime:
        found = await self._answered(self._seen(name))
        if isinstance(found, VotesCourse):
            return votes_over_time(found.points, found.declared.alpha)
        return await asyncio.to_thread(over_time, found.plan, found.points)

    async def _seen(self, name: str) -> Course | VotesCourse:
        registry = await read_registry(self._store, self._settings.experiments)
        known, now_ms = self._settings.known_metrics, self._clock.now_ms()
        return await course(self._store, name, find(registry, name), known, now_ms)

    async def log(self) -> AuditView:
        entries, verdict = await self._answered(audit(self._store))
        return AuditView(entries, verdict.whole, verdict.broken, verdict.why, verdict.head)

    async def declare(self, request: Asked, name: str) -> ChangeMade:
        check_loopback(request)
        body = await _json(request, dict[str, Any])

        def checked() -> ExperimentSettings:
            experiment = read_experiment(name, body)
            _check(self._settings, name, experiment)
            return experiment

        experiment = await asyncio.to_thread(checked)
        now_ms = self._clock.now_ms()
        return await self._change(
            request, name, ChangeReason(), lambda registry: declared(registry, name, experiment, now_ms)
        )

    async def start(self, request: Asked, name: str) -> ChangeMade:
        check_loopback(request)
        because = await _json(request, ChangeReason)
        known = await self.one(name)
        await asyncio.to_thread(_check, self._settings, name, known.declared)
        now_ms = self._clock.now_ms()
        return await self._change(request, name, because, lambda registry: started(registry, name, now_ms))

    async def stop(self, request: Asked, name: str, arm: str = "") -> ChangeMade:
        check_loopback(request)
        because, now_ms = await _json(request, ChangeReason), self._clock.now_ms()
        why = because.because

        def step(registry: Registry) -> RegistryChange:
            if arm:
                return arm_stopped(registry, name, arm, now_ms, why)
            return stopped(registry, name, now_ms, why)

        return await self._change(request, name, because, step)

    async def ship(self, request: Asked, name: str) -> ChangeMade:
        check_loopback(request)
        asked, now_ms = await _json(request, ShipRequest), self._clock.now_ms()
        return await self._change(
            request, name, asked, lambda registry: shipped(registry, name, asked.arm, now_ms, asked.because)
        )

    async def remove(self, request: Asked, name: str) -> ChangeMade:
        check_loopback(request)
        because, now_ms = await _json(request, ChangeReason), self._clock.now_ms()
        actor = _actor(request, because)
        made = remove(self._store, self._settings.experiments, actor, now_ms, name, because.because)
        return ChangeMade((await self._answered(made)).entry, None)

    async def _change(self, request: Asked, name: str, because: ChangeReason, step: Step) -> ChangeMade:
        now_ms = self._clock.now_ms()
        made = change(self._store, self._settings.experiments, _actor(request, because), now_ms, step)
        registry, entry = await self._answered(made)
        after = registry.experiments.get(name)
        return ChangeMade(entry, None if after is None else view(name, after, now_ms))

    async def _answered(self, asked: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._gateway.timeout_ms / 1_000):
                return await asked
        except FencedError:
            raise ProblemError(
                problem(
                    409, "changed_meanwhile", expected="nobody else who changes experiments at the same time",
                    came="another change, again and again", remedy="look at the experiment, and ask again",
                )
            ) from None  # fmt: skip
        except (StoreError, TimeoutError) as error:
            came = str(error) or f"no answer within {self._gateway.timeout_ms} ms"
            raise unavailable("store", came, self._gateway.retry_after_s) from None


def _actor(request: Asked, because: ChangeReason) -> str:
    client = request.client.host if request.client is not None else "unknown"
    return because.by or f"api:{client}"


def _check(settings: Settings, name: str, experiment: ExperimentSettings) -> None:
    # Imported here: a gateway to which nobody declares anything does without the stages.
    from streams.serving.declaring import check_declaration

    check_declaration(settings, name, experiment)


async def _json(request: Asked, kind: type[T]) -> T:
    """The body as JSON of this kind; an empty one is an empty table."""
    raw = await body_of(request) or b"{}"
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        expected = ", ".join(getattr(kind, "__struct_fields__", ())) or "an experiment's fields"
        raise ProblemError(
            problem(422, "bad_body", expected=f"a JSON object with some of {expected}",
                    came=read_with_value(str(error), raw),
                    remedy="correct the body; GET /schema describes it")
        ) from None  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(
            problem(400, "not_json", expected="a body of JSON in UTF-8", came=str(error), remedy="send JSON")
        ) from None
