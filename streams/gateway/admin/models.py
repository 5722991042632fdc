"""The models of the registry: what is registered, what is active and was; activate one, or go back."""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path

from export.manifest import Manifest, read_manifest, verify
from export.registry import Registry
from model.errors import FencedError, ManifestError, ModelError
from streams.clock import Clock
from streams.events.schema import Control
from streams.gateway.admin.model_views import (
    Activated,
    ActivationView,
    ModelList,
    ModelView,
    Retention,
    view_of,
)
from streams.gateway.admin.replies import StoreCalls
from streams.gateway.errors import ProblemError, problem, unavailable
from streams.kafka.producer import EventSink
from streams.serving.retained_models import read_retained, retain
from streams.settings.tree import Settings
from streams.stores.base import Store

PATH = "/v1/admin/models"
LOOK_EVERY_S = 0.05
CHECKED_WITHIN_S = 10.0
"""For reading all of a model's files. A disk that hangs must not leave a client without an answer."""


class Models:
    """What the routes, and the console, share."""

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
            [view_of(manifest, active, retained) for manifest in known],
            [name for name in names if name not in readable],
            [ActivationView(each.model, each.since_ms or None) for each in activations],
        )

    async def one(self, name: str) -> ModelView:
        manifest = await asyncio.to_thread(self._manifest, name, False)
        async with self._calls.answering():
            active, retained = await self._store.active_model(), await read_retained(self._store)
        return view_of(manifest, active, retained)

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
        async with self._calls.answering(CHECKED_WITHIN_S, "registry"):
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
