"""/v1/admin/models: what is registered, what is active and was; activate one, or go back."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from export.manifest import Manifest, read_manifest, verify
from export.parity import Parity
from export.registry import Registry
from model.errors import FencedError, ManifestError, ModelError
from streams.clock import Clock
from streams.events.schema import Control
from streams.gateway.admin.replies import CHANGED, READ, StoreCalls, changed
from streams.gateway.answers import json_answer, response
from streams.gateway.errors import ProblemError, problem, unavailable
from streams.gateway.feeds import NO_STORE
from streams.kafka.producer import EventSink
from streams.serving.retained_models import read_retained, retain
from streams.settings.tree import Settings
from streams.stores.base import Store

PATH = "/v1/admin/models"
LOOK_EVERY_S = 0.05
Asked = Request[Any, Any, Any]
ModelName = Annotated[str, PathParameter(description="The model's name in the registry.")]


class ModelView(msgspec.Struct):
    """A registered model. `parent`: the model that it went on learning from; null where it began by itself.
    `held_back`: it was compared with the one in force, and was no better. `retained`: renewals don't delete
    it, however old it gets. `parity`: how far the exported files are from the checkpoint. `training`: what
    its making noted.
    """

    name: str
    created_ms: int
    active: bool
    parent: str | None
    held_back: bool
    retained: bool
    precision: str
    retrieves: bool
    text_encoder: str | None
    bytes: int
    parity: Parity
    training: dict[str, Any]


class ActivationView(msgspec.Struct):
    """Since when a model was the active one; null where nobody noted it."""

    model: str
    since_ms: int | None


class ModelList(msgspec.Struct):
    """The registered models, oldest first. `active`: the one that the store names, null for none.
    `unreadable`: folders whose manifest this build can't read. `activations`: the latest, the newest first.
    """

    active: str | None
    models: list[ModelView]
    unreadable: list[str]
    activations: list[ActivationView]


class Activated(msgspec.Struct):
    """The order that was sent. `confirmed`: a worker has obeyed it by now. `before`: what was active."""

    model: str
    before: str | None
    event_id: str
    confirmed: bool


class Retention(msgspec.Struct):
    """Whether renewals leave the model alone from now on; `names`: all those that they leave alone."""

    model: str
    retained: bool
    names: list[str]


class Models:
    """What the routes share."""

    def __init__(self, settings: Settings, store: Store, sink: EventSink, clock: Clock) -> None:
        self._gateway, self._store, self._sink, self._clock = settings.gateway, store, sink, clock
        self._registry = Registry(Path(settings.model.registry))
        self._calls = StoreCalls(settings.gateway)

    async def all(self) -> ModelList:
        async with self._calls.answering():
            active, activations = await self._store.active_model(), await self._store.activations()
            retained = await read_retained(self._store)
        known = await asyncio.to_thread(self._registry.models)
        names = await asyncio.to_thread(self._registry.names)
        readable = {manifest.name for manifest in known}
        return ModelList(
            active,
            [_view(manifest, active, retained) for manifest in known],
            [name for name in names if name not in readable],
            [ActivationView(each.model, each.since_ms or None) for each in activations],
        )

    async def one(self, name: str) -> ModelView:
        manifest = await asyncio.to_thread(self._manifest, name, False)
        async with self._calls.answering():
            active, retained = await self._store.active_model(), await read_retained(self._store)
        return _view(manifest, active, retained)

    async def retain(self, name: str, keep: bool) -> Retention:
        """Have renewals leave a model alone, or not any more. What is gone can be released, too."""
        if keep:
            await asyncio.to_thread(self._manifest, name, False)
        try:
            async with self._calls.answering():
                names = await retain(self._store, name, keep)
        except FencedError:
            raise ProblemError(
                problem(
                    409,
                    "changed_meanwhile",
                    expected="nobody else who changes the list of retained models at the same time",
                    came="another change, again and again",
                    remedy="ask again",
                )
            ) from None
        return Retention(name, keep, sorted(names))

    async def activate(self, name: str) -> Activated:
        """Order it, and wait a little for a worker to obey."""
        await asyncio.to_thread(self._manifest, name, True)
        async with self._calls.answering():
            before = await self._store.active_model()
        order = Control(
            event_id=uuid.uuid4().hex, ts=self._clock.now_ms(), command="activate_model", model=name
        )
        timeout_s = self._gateway.timeout_ms / 1_000
        delivery = await self._sink.deliver([order], order.ts, timeout_s)
        if not all(delivery.confirmed):
            raise unavailable("kafka", delivery.trouble, self._gateway.retry_after_s)
        return Activated(name, before, order.event_id, await self._confirmed(name, timeout_s))

    async def roll_back(self) -> Activated:
        """Activate what was active before the present one."""
        async with self._calls.answering():
            activations = await self._store.activations()
        if len(activations) < 2:
            raise ProblemError(
                problem(
                    409,
                    "nothing_before",
                    expected="a model that was active before the present one",
                    came="no other activation that is remembered",
                    remedy=f"activate a model by its name: POST {PATH}/NAME/activate",
                )
            )
        return await self.activate(activations[1].model)

    async def _confirmed(self, name: str, within_s: float) -> bool:
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            async with self._calls.answering():
                if await self._store.active_model() == name:
                    return True
            await asyncio.sleep(LOOK_EVERY_S)
        return False

    def _manifest(self, name: str, whole: bool) -> Manifest:
        """The manifest; with `whole`, the files are checked too."""
        try:
            folder = self._registry.get(name)
        except ModelError as error:
            raise ProblemError(
                problem(
                    404,
                    "unknown_model",
                    expected="a model of the registry that this gateway reads (model.registry)",
                    came=str(error)[:500],
                    remedy=f"GET {PATH} lists those that there are",
                )
            ) from None
        try:
            manifest = read_manifest(folder, Manifest)
            if whole:
                verify(folder, manifest, manifest.required)
        except ManifestError as error:
            raise ProblemError(
                problem(
                    409,
                    "broken_model",
                    expected="a model whose files are those of its manifest",
                    came=str(error)[:500],
                    remedy="register the model again, or name another",
                )
            ) from None
        return manifest


def _view(manifest: Manifest, active: str | None, retained: Collection[str]) -> ModelView:
    parent = manifest.training.get("parent")
    return ModelView(
        name=manifest.name,
        created_ms=manifest.created_ms,
        active=manifest.name == active,
        parent=parent if isinstance(parent, str) else None,
        held_back=manifest.held_back,
        retained=manifest.name in retained,
        precision=manifest.precision,
        retrieves=manifest.retrieves,
        text_encoder=None if manifest.text_encoder is None else manifest.text_encoder.id,
        bytes=sum(file.bytes for file in manifest.files.values()),
        parity=manifest.parity,
        training=manifest.training,
    )


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
