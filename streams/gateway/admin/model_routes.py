"""/v1/admin/models: the routes."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from streams.gateway.admin.model_views import Activated, ModelList, ModelView, Retention
from streams.gateway.admin.models import PATH, Models
from streams.gateway.admin.replies import CHANGED, READ, changed
from streams.gateway.answers import json_answer, response
from streams.gateway.feeds import NO_STORE

Asked = Request[Any, Any, Any]
ModelName = Annotated[str, PathParameter(description="The model's name in the registry.")]


def model_routes(models: Models) -> list[HTTPRouteHandler]:
    """The routes, to list, look at, activate and retain models, and to go back."""

    @get(PATH, summary="All models", tags=["models"], responses=READ)
    async def list_models() -> Response[ModelList]:
        return response(json_answer(200, await models.all(), headers=NO_STORE))

    @get(f"{PATH}/{{name:str}}", summary="One model", tags=["models"], responses=READ)
    async def get_model(name: ModelName) -> Response[ModelView]:
        return response(json_answer(200, await models.one(name), headers=NO_STORE))

    @post(
        f"{PATH}/{{name:str}}/activate",
        status_code=200,
        summary="Activate a model",
        description=(
            "Checks the model's files and sends the order to the workers. Each loads the model beside the "
            "one in service, and swaps between two batches. `confirmed` says whether one of them has done so "
            "within `gateway.timeout_ms`. From a loopback address alone."
        ),
        tags=["models"],
        responses=CHANGED,
    )
    async def activate_model(request: Asked, name: ModelName) -> Response[Activated]:
        return await changed(request, partial(models.activate, name))

    @post(
        f"{PATH}/roll-back",
        status_code=200,
        summary="Activate the model before",
        description=(
            "Activates what was active before the present model. Twice in a row leads back. From a loopback "
            "address alone."
        ),
        tags=["models"],
        responses=CHANGED,
    )
    async def roll_back_model(request: Asked) -> Response[Activated]:
        return await changed(request, models.roll_back)

    @post(
        f"{PATH}/{{name:str}}/retain",
        status_code=200,
        summary="Keep a model",
        description=(
            "Renewals delete all but the last `renewal.keep_models` models, and leave this one alone. From "
            "a loopback address alone."
        ),
        tags=["models"],
        responses=CHANGED,
    )
    async def retain_model(request: Asked, name: ModelName) -> Response[Retention]:
        return await changed(request, partial(models.retain, name, True))

    @post(
        f"{PATH}/{{name:str}}/release",
        status_code=200,
        summary="Keep a model no longer",
        description="Renewals may delete it once it is old. From a loopback address alone.",
        tags=["models"],
        responses=CHANGED,
    )
    async def release_model(request: Asked, name: ModelName) -> Response[Retention]:
        return await changed(request, partial(models.retain, name, False))

    return [list_models, get_model, activate_model, roll_back_model, retain_model, release_model]
