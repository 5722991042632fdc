"""/v1/admin/experiments: experiments over HTTP. What changes them is for the gateway's own machine alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from model.errors import ExperimentError, FencedError, SettingsError, StoreError
from streams.clock import Clock
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.declared.reading import read_experiment
from streams.experiments.declared.refusal import DeclarationError
from streams.experiments.readings.over_time import CourseOverTime, over_time, votes_over_time
from streams.experiments.registry.audit import RegistryChange
from streams.experiments.registry.changes import arm_stopped, declared, shipped, started, stopped
from streams.experiments.registry.state import Registry, find
from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.bodies import body_of
from streams.gateway.errors import ProblemError, problem, says, unavailable
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
from streams.gateway.feeds import NO_STORE
from streams.gateway.loopback import check_loopback
from streams.gateway.openapi import body_as
from streams.serving.experiment_readings import Course, VotesCourse, course
from streams.serving.experiment_registry import Step, audit, change, read_registry, remove
from streams.settings.tree import Settings
from streams.stores.base import Store

PATH = "/v1/admin/experiments"
T = TypeVar("T")
B = TypeVar("B", bound=ChangeReason)
Asked = Request[Any, Any, Any]
ExperimentName = Annotated[str, PathParameter(description="The experiment's name.", max_length=32)]
ArmName = Annotated[str, PathParameter(description="The arm's name.", max_length=32)]


_READ = {**says(404, "No such experiment"), **says(503, "The store does not answer")}
_CHANGED = {
    **says(400, "The body is not JSON"),
    **says(403, "Not from a loopback address"),
    **_READ,
    **says(409, "The experiment is in another state, or has no room"),
    **says(422, "The declaration, or the body, is wrong"),
}


WHY = {"because": "The reading has decided.", "by": "ann"}
EXAMPLE = {
    "hypothesis": "Short slates are read to their end.",
    "control": "plain",
    "arms": {"plain": {}, "short": {"weight": 1.0, "stages": {"feed": {"size": 8}}}},
    "primary": "click_through",
    "users": 20_000,
    "minimum_effect": 0.03,
    "guardrails": [{"metric": "dislikes", "worst": 0.1}],
}


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
            problem(422, "bad_body", expected=f"a JSON object with some of {expected}", came=str(error),
                    remedy="correct the body; GET /schema describes it")
        ) from None  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(
            problem(400, "not_json", expected="a body of JSON in UTF-8", came=str(error), remedy="send JSON")
        ) from None


def refusal(error: SettingsError | ExperimentError) -> ProblemError:
    """What is answered where something can't be done with an experiment."""
    if isinstance(error, DeclarationError):
        return ProblemError(
            problem(
                422, "bad_declaration", expected=f"{'.'.join(error.path)}: {error.expected}", came=error.came,
                remedy=error.remedy,
            )
        )  # fmt: skip
    if isinstance(error, ExperimentError):
        status = 404 if error.reason in ("unknown", "unknown_arm") else 409
        return ProblemError(
            problem(
                status, f"experiment_{error.reason}", expected="an experiment for which this can be done",
                came=str(error).partition("; ")[0], remedy=str(error).partition("; ")[2] or str(error),
            )
        )  # fmt: skip
    return ProblemError(
        problem(422, "bad_settings", expected="what the settings have", came=str(error), remedy="correct it")
    )


def experiment_routes(experiments: Experiments) -> list[HTTPRouteHandler]:
    """The routes, to list, look at, declare, start, stop and ship experiments, and to verify their log."""

    async def answered(asked: Awaitable[msgspec.Struct]) -> Response[Any]:
        try:
            return response(json_answer(200, await asked, JSON, NO_STORE))
        except (SettingsError, ExperimentError) as error:
            raise refusal(error) from None

    @get(PATH, summary="All experiments", tags=["experiments"], responses=_READ)
    async def list_experiments() -> Response[ExperimentList]:
        return await answered(experiments.all())

    @get(f"{PATH}/audit", summary="The log of all changes, verified", tags=["experiments"], responses=_READ)
    async def audit_experiments() -> Response[AuditView]:
        return await answered(experiments.log())

    @get(f"{PATH}/{{name:str}}", summary="One experiment", tags=["experiments"], responses=_READ)
    async def get_experiment(name: ExperimentName) -> Response[ExperimentView]:
        return await answered(experiments.one(name))

    @get(
        f"{PATH}/{{name:str}}/reading", summary="What an experiment has come to", tags=["experiments"],
        responses={**_READ, **says(409, "It has not started")},
    )  # fmt: skip
    async def read_experiment_now(name: ExperimentName) -> Response[ReadingView]:
        return await answered(experiments.reading(name))

    @get(
        f"{PATH}/{{name:str}}/course", summary="How its intervals came about", tags=["experiments"],
        description=(
            "The intervals, the guardrails and the evidence of a mismatch at each moment at which a worker "
            "noted the sums (`worker.note_sums_every_s`), and now."
        ),
        responses={**_READ, **says(409, "It has not started")},
    )  # fmt: skip
    async def get_experiment_course(name: ExperimentName) -> Response[CourseOverTime]:
        return await answered(experiments.course(name))

    @put(
        f"{PATH}/{{name:str}}",
        summary="Declare an experiment",
        description="The body is what [experiments.NAME] of the settings file has, as JSON.",
        tags=["experiments"],
        operation_class=body_as(ExperimentSettings, EXAMPLE),
        responses=_CHANGED,
    )
    async def declare_experiment(request: Asked, name: ExperimentName) -> Response[ChangeMade]:
        return await answered(experiments.declare(request, name))

    @post(
        f"{PATH}/{{name:str}}/start", status_code=200, summary="Draw users to it from now on",
        tags=["experiments"], operation_class=body_as(ChangeReason, WHY, optional=True), responses=_CHANGED,
    )  # fmt: skip
    async def start_experiment(request: Asked, name: ExperimentName) -> Response[ChangeMade]:
        return await answered(experiments.start(request, name))

    @post(
        f"{PATH}/{{name:str}}/stop", status_code=200, tags=["experiments"],
        summary="Stop an experiment, or take back what was shipped",
        operation_class=body_as(ChangeReason, WHY, optional=True), responses=_CHANGED,
    )  # fmt: skip
    async def stop_experiment(request: Asked, name: ExperimentName) -> Response[ChangeMade]:
        return await answered(experiments.stop(request, name))

    @post(
        f"{PATH}/{{name:str}}/arms/{{arm:str}}/stop", status_code=200, tags=["experiments"],
        summary="Stop an arm: its users get what control makes",
        operation_class=body_as(ChangeReason, WHY, optional=True), responses=_CHANGED,
    )  # fmt: skip
    async def stop_arm(request: Asked, name: ExperimentName, arm: ArmName) -> Response[ChangeMade]:
        return await answered(experiments.stop(request, name, arm))

    @post(
        f"{PATH}/{{name:str}}/ship", status_code=200, summary="Everybody gets what an arm makes",
        tags=["experiments"], operation_class=body_as(ShipRequest, {"arm": "bold", **WHY}),
        responses=_CHANGED,
    )  # fmt: skip
    async def ship_experiment(request: Asked, name: ExperimentName) -> Response[ChangeMade]:
        return await answered(experiments.ship(request, name))

    @post(
        f"{PATH}/{{name:str}}/remove", status_code=200, tags=["experiments"],
        summary="Remove an experiment that was stopped; its log is kept",
        operation_class=body_as(ChangeReason, WHY, optional=True), responses=_CHANGED,
    )  # fmt: skip
    async def remove_experiment(request: Asked, name: ExperimentName) -> Response[ChangeMade]:
        return await answered(experiments.remove(request, name))

    return [
        list_experiments, audit_experiments, get_experiment, read_experiment_now, get_experiment_course,
        declare_experiment,
        start_experiment, stop_experiment, stop_arm, ship_experiment, remove_experiment,
    ]  # fmt: skip
