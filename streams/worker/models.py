"""Which model is in service: found, loaded in a thread while the old one goes on, and swapped between two
batches.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import NamedTuple

from export.loaded import load_model
from export.manifest import MODEL_FILES, Manifest, TextEncoderRef, TextManifest, read_manifest, verify
from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from model.errors import ModelError
from streams.ranking.model_in_service import ModelInService
from streams.serving.loading import in_service, other_encoder, other_graph
from streams.serving.replica import Replica
from streams.settings.sections import ModelSettings
from streams.state.catalog import Catalog
from streams.state.event_meaning import Encode
from streams.stores.base import Store
from streams.worker.metrics import WorkerMetrics

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A loaded model whose item vectors are those of `seen`: the catalog when loading began."""

    model: ModelInService
    provider: str
    seen: Catalog


class RegistryModels:
    """The models of one registry folder; the store says which of them is active."""

    def __init__(
        self, settings: ModelSettings, store: Store, replica: Replica, metrics: WorkerMetrics
    ) -> None:
        self.settings, self.store, self.replica, self.metrics = settings, store, replica, metrics
        self.registry = Registry(Path(settings.registry))
        self.trouble = ""
        self.provider = ""
        self.fell_back = False
        self._wanted = ""
        self._waiting: _Waiting | None = None
        self.loading: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The model in service; "" for none: candidates are ranked by the counters."""
        model = self.replica.recommender.pipeline.models.active
        return model.name if model is not None else ""

    async def start(self) -> None:
        """Serve the active model, else the one of the settings, else the newest, else none.

        Raises `ModelError` where a named model can't be loaded.
        """
        active = self.replica.activated or await self.store.active_model()
        name = active or self.settings.active or await asyncio.to_thread(self.registry.newest)
        if not name:
            log.warning("no model in %s: feeds are ranked by the counters alone", self.registry.folder)
            return
        self._wanted = name
        self._waiting = await self._load(name)
        async with self.replica.lock:
            self.swap()

    async def check(self, name: str) -> None:
        """Raises `ModelError` unless `name` is registered and its files are whole."""

        def checked() -> None:
            folder = self.registry.get(name)
            verify(folder, read_manifest(folder, Manifest), MODEL_FILES)

        await asyncio.to_thread(checked)

    async def activated(self, name: str) -> None:
        """Load `name` in the background, and have starting workers load it too."""
        await self.store.activate(name)
        if name != self._wanted:
            self._wanted = name
            if self.loading is None or self.loading.done():
                self.loading = asyncio.create_task(self._load_wanted())

    async def _load_wanted(self) -> None:
        loaded = ""
        while loaded != self._wanted:
            loaded = self._wanted
            try:
                self._waiting = await self._load(loaded)
                self.trouble = ""
            except (
                Exception
            ) as error:  # not one of ours where a library fails: the old model is as good as ever
                self.metrics.switches.labels("failed").inc()
                self.trouble = str(error) or type(error).__name__
                seen = None if isinstance(error, ModelError) else error
                log.error("model %r can't be loaded, %r goes on: %s", loaded, self.name, error, exc_info=seen)
        # With no events coming there is no batch to wait for.
        async with self.replica.lock:
            self.swap()

    async def _load(self, name: str) -> _Waiting:
        async with self.replica.lock:
            catalog = self.replica.recommender.catalog
            seen = catalog.copy()
        return await asyncio.to_thread(self._open, name, seen)

    def _open(self, name: str, catalog: Catalog) -> _Waiting:
        loaded = load_model(
            self.registry.get(name),
            self.settings.providers,
            self.settings.fallback,
            self.settings.threads,
            on_fallback=self._fell_back,
        )
        graph = self.replica.graph
        if trouble := other_graph(loaded.manifest, graph.digest() if graph is not None else ""):
            log.warning("%s", trouble)
        if trouble := other_encoder(loaded.manifest, self._encoder_here()):
            log.warning("%s", trouble)
        model = in_service(loaded, self.replica.recommender.pipeline.names)
        model.refresh(catalog)
        return _Waiting(model, loaded.rescorer.provider, catalog)

    def swap(self) -> None:
        """Serve the model that was loaded meanwhile, if any. The caller holds the replica's lock."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        recommender, before = self.replica.recommender, self.name
        # Items that changed while the model was loaded.
        waiting.model.refresh(recommender.catalog)
        recommender.serve(waiting.model)
        if before:
            self.metrics.model.remove(before, self.provider)
        self.provider = waiting.provider
        self.metrics.model.labels(waiting.model.name, self.provider).set(1)
        self.metrics.switches.labels("served").inc()
        log.info("serving model %r on %s (before: %r)", waiting.model.name, self.provider, before)

    def _encoder_here(self) -> TextEncoderRef | None:
        """The text encoder of the settings, None where it is not registered."""
        name = encoder_name(self.settings.text_encoder)
        if not self.registry.text.has(name):
            return None
        return read_manifest(self.registry.text.get(name), TextManifest).reference

    def load_encoder(self) -> Encode | None:
        """The text encoder of the registry with its projection, or None where none is registered."""
        name = encoder_name(self.settings.text_encoder)
        if not self.registry.text.has(name):
            log.warning("no text encoder %r in %s: texts are left out", name, self.registry.text.folder)
            return None
        encoder = load_text_encoder(
            self.registry.text.get(name),
            self.settings.providers,
            self.settings.fallback,
            self.settings.threads,
            self.settings.text_max_tokens,
            on_fallback=self._fell_back,
        )
        return encoder.project

    def _fell_back(self, asked: str, got: str) -> None:
        self.fell_back = True
        self.metrics.fallbacks.labels(asked, got).inc()

    async def stop(self) -> None:
        if self.loading is not None:
            self.loading.cancel()
            await asyncio.wait([self.loading])
