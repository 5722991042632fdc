"""Which models are in service: the active one, and those that arms name beside it. They are found, loaded
while the others go on (streams/serving/model_loader.py), and swapped between two batches.

All of this belongs to the loop's thread. The recommender's own models are touched in the core's thread, by
the calls that `swap` and `_load_named` await.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.manifest import Manifest, read_manifest, verify
from export.registry import Registry
from model.errors import ModelError
from streams.cancelling import cancelled
from streams.ranking.model_in_service import ModelInService
from streams.serving.arms import models_of
from streams.serving.model_loader import Loaded, ModelLoader
from streams.serving.model_watcher import ModelWatcher
from streams.serving.other_goods import other_goods
from streams.serving.replica import Replica
from streams.settings.tree import Settings
from streams.stores.base import Store

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER_S = 30.0
"""So long after an arm's model could not be loaded it is tried again."""
LOOK_EVERY_S = 30.0
"""How often the active model is held against the items here."""


class RegistryModels:
    """The models of one registry folder; the store says which of them is active, the settings which are named
    by arms. `missing`: arms' models that are not in service, and why; the active one serves in their place.
    `confirms`: whether this process tells the store which model is active.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        replica: Replica,
        watcher: ModelWatcher,
        confirms: bool = True,
    ) -> None:
        self.settings, self.store, self.replica, self.watcher = settings.model, store, replica, watcher
        self.confirms = confirms
        self.registry = Registry(Path(settings.model.registry))
        self.loader = ModelLoader(settings.model, replica, self.registry, watcher)
        self._of_arms = self.named = models_of(settings.arms)
        self.missing: dict[str, str] = {}
        self.trouble = ""
        self.loading: asyncio.Task[None] | None = None
        self.mending: asyncio.Task[None] | None = None
        self._active: ModelInService | None = None
        self._beside: dict[str, ModelInService] = {}
        self._wanted = ""
        self._waiting: Loaded | None = None
        self._providers: dict[str, str] = {}
        self._said: set[str] = set()
        self._tried_s = self._looked_s = 0.0
        self._other_goods = ""

    @property
    def name(self) -> str:
        """The active model; "" for none: candidates are ranked by the counters."""
        return self._active.name if self._active is not None else ""

    @property
    def provider(self) -> str:
        """Where the active model runs; "" for none."""
        return self._providers.get(self.name, "")

    @property
    def said(self) -> str:
        """What is wrong with the models, although slates are made; "" where nothing is."""
        lacking = [
            f"{name}, which an arm names, is not in service: {why}" for name, why in self.missing.items()
        ]
        return "; ".join([*filter(None, [self.trouble, self._other_goods]), *lacking])

    def facts(self) -> dict[str, Any]:
        """The active model and its provider, whether anything runs on another than the first that was asked
        for, and the arms' models.
        """
        return {
            "name": self.name,
            "provider": self.provider,
            "fell_back": self.loader.fell_back,
            "beside": self.beside,
        }

    @property
    def beside(self) -> list[str]:
        """The models that arms name and that are in service, in alphabetical order."""
        return sorted(self._beside)

    def want(self, models: frozenset[str]) -> None:
        """Experiments name these models beside those of arms: load what is new, in the background."""
        self.named = self._of_arms | models
        for model in self.missing.keys() - self.named:
            del self.missing[model]
        new = self.named - self._beside.keys() - self.missing.keys()
        if new and (self.mending is None or self.mending.done()):
            self.mending = asyncio.create_task(self._load_named())

    async def release(self) -> None:
        """Let go of models that nothing names any more. No request may name them."""
        for model in sorted(self._beside.keys() - self.named):
            await self.replica.core.call(self.replica.recommender.unload, model)
            del self._beside[model]
            if model != self.name:
                self.watcher.left(model, self._providers.pop(model))
            log.info("model %r is in service no more: nothing names it", model)

    def serves(self, model: str) -> bool:
        """Whether slates of an arm that names this model are made by it, whichever is active."""
        return model in self._beside

    def why(self, model: str) -> str:
        """Why a model could not be loaded, to stand behind its name; "" where that is not known."""
        return f": {self.missing[model]}" if model in self.missing else ""

    async def start(self) -> None:
        """Serve the active model, else the one of the settings, else the newest, else none; and beside it
        those that arms name.

        Raises `ModelError` where the active model can't be loaded. An arm's model that can't is missing.
        """
        active = self.replica.activated or await self.store.active_model()
        name = active or self.settings.active or await asyncio.to_thread(self.registry.newest)
        if name:
            self._wanted = name
            self._waiting = await self.loader.load(name)
            async with self.replica.lock:
                await self.swap()
        else:
            log.warning("no model in %s: feeds are ranked by the counters alone", self.registry.folder)
        await self._load_named()

    async def check(self, name: str) -> None:
        """Raises `ModelError` unless `name` is registered and its files are whole."""

        def checked() -> None:
            folder = self.registry.get(name)
            manifest = read_manifest(folder, Manifest)
            verify(folder, manifest, manifest.required)

        await asyncio.to_thread(checked)

    async def activated(self, name: str) -> None:
        """The ledger says that `name` is active now: load it in the background, and have starting processes
        load it too.
        """
        if self.confirms:
            await self.store.activate(name)
        if name != self._wanted:
            self._wanted = name
            if self.loading is None or self.loading.done():
                self.loading = asyncio.create_task(self._load_wanted())

    async def mend(self) -> None:
        """Try again, in the background and now and then, to load what is missing; and see whether the active
        model is one of the items here.
        """
        if time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = time.monotonic()
            await self._look()
        due = time.monotonic() - self._tried_s >= TRY_AGAIN_AFTER_S
        if self.missing and due and (self.mending is None or self.mending.done()):
            self.mending = asyncio.create_task(self._load_named())

    async def _look(self) -> None:
        model, before = self._active, self._other_goods
        core = self.replica.core
        self._other_goods = (
            "" if model is None else await core.call(other_goods, self.replica.recommender, model)
        )
        if self._other_goods and not before:
            self.watcher.warned(self._other_goods)

    async def swap(self) -> None:
        """Serve the model that was loaded meanwhile, if any. The caller holds the replica's lock."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        before, model = self.name, waiting.model
        await self.replica.core.call(self._serve, waiting, model.name in self.named)
        self._active = model
        self._keep_named(model)
        if before and before != model.name and before not in self.beside:
            self.watcher.left(before, self._providers.pop(before))
        self._providers[model.name] = waiting.provider
        self.watcher.served(model.name, waiting.provider)
        log.info("serving model %r on %s (before: %r)", model.name, waiting.provider, before)

    def _serve(self, loaded: Loaded, beside: bool) -> None:
        """In the core's thread."""
        self.loader.catch_up(loaded)
        self.replica.recommender.serve(loaded.model)
        if beside:
            self.replica.recommender.load(loaded.model)

    def fell_back(self, asked: Mapping[str, int]) -> None:
        """So many requests named each of these models, which is not in service."""
        for name, times in asked.items():
            self.watcher.fell_back_to_active(name, times)
            if name not in self._said:
                self._said.add(name)
                log.error(
                    "model %r is not in service (%s): %r makes the slates of the arms that name it",
                    name, self.missing.get(name, "no arm names it"), self.name,
                )  # fmt: skip

    async def close(self) -> None:
        """End what is loading."""
        await cancelled(*filter(None, (self.loading, self.mending)))

    async def _load_wanted(self) -> None:
        loaded = ""
        while loaded != self._wanted:
            loaded = self._wanted
            try:
                self._waiting = self._in_memory(loaded) or await self.loader.load(loaded)
                self.trouble = ""
            except (
                Exception
            ) as error:  # not one of ours where a library fails: the old model is as good as ever
                self.watcher.not_loaded(loaded)
                self.trouble = _said(error)
                seen = None if isinstance(error, ModelError) else error
                log.error("model %r can't be loaded, %r goes on: %s", loaded, self.name, error, exc_info=seen)
        # With no events coming there is no batch to wait for.
        async with self.replica.lock:
            await self.swap()

    async def _load_named(self) -> None:
        """Load the models that arms name and that are not in service."""
        self._tried_s = time.monotonic()
        for name in sorted(self.named):
            if name in self._beside:
                continue
            try:
                loaded = self._in_memory(name) or await self.loader.load(name)
            except Exception as error:  # as for the active one
                if self.missing.get(name) != _said(error):
                    seen = None if isinstance(error, ModelError) else error
                    log.error("model %r, which an arm names, can't be loaded: %s", name, error, exc_info=seen)
                self.missing[name] = _said(error)
                self.watcher.not_loaded(name)
                continue
            async with self.replica.lock:
                if name in self._beside:
                    continue  # it was activated meanwhile
                await self.replica.core.call(self._load, loaded)
                self._keep(loaded.model)  # where nothing names it any more, `release` lets go of it
            self._providers[name] = loaded.provider
            self.watcher.served(name, loaded.provider)
            log.info("model %r is in service beside %r on %s", name, self.name, loaded.provider)

    def _load(self, loaded: Loaded) -> None:
        """In the core's thread."""
        self.loader.catch_up(loaded)
        self.replica.recommender.load(loaded.model)

    def _keep_named(self, model: ModelInService) -> None:
        """A model that arms name stays in service, whichever is active."""
        if model.name in self.named:
            self._keep(model)

    def _keep(self, model: ModelInService) -> None:
        self._beside[model.name] = model
        self.missing.pop(model.name, None)
        self._said.discard(model.name)

    def _in_memory(self, name: str) -> Loaded | None:
        """The model, where it is in service already: it needs no loading, and no file of it need be there."""
        active = self._active
        model = active if active is not None and active.name == name else self._beside.get(name)
        if model is None:
            return None
        catalog = self.replica.recommender.catalog
        return Loaded(model, self._providers[name], catalog)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
