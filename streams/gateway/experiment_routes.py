"""The routes of experiments: /v1/admin/experiments."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from model.errors import ExperimentError, SettingsError
from streams.experiments.declared.experiment import ExperimentSettings
from streams.experiments.readings.over_time import CourseOverTime
from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.errors import says
from streams.gateway.experiment_bodies import (
    AuditView,
    ChangeMade,
    ChangeReason,
    ExperimentList,
    ExperimentView,
    ReadingView,
    ShipRequest,
)
from streams.gateway.experiment_refusals import refusal
from streams.gateway.experiments import PATH, Asked, Experiments
from streams.gateway.feeds import NO_STORE
from streams.gateway.openapi import body_as

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
