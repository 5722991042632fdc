"""Loads a registered model in a thread, while batches go on, with the vectors of all items that are known."""

from __future__ import annotations

from typing import NamedTuple

from export.loaded import load_model
from export.registry import Registry
from streams.ranking.model_in_service import ModelInService
from streams.serving.background import in_thread
from streams.serving.loading import encoder_here, in_service, other_encoder, other_graph
from streams.serving.model_watcher import ModelWatcher
from streams.serving.replica import Replica
from streams.settings.models import ModelSettings
from streams.state.catalog import Catalog


class Loaded(NamedTuple):
    """A model whose item vectors are those of `catalog` as it was when loading began, or newer."""

    model: ModelInService
    provider: str
    catalog: Catalog


class ModelLoader:
    """Loads from one registry, for one replica. `fell_back`: whether anything runs on another provider than
    the first that was asked for.
    """

    def __init__(
        self, settings: ModelSettings, replica: Replica, registry: Registry, watcher: ModelWatcher
    ) -> None:
        self.settings, self.replica, self.registry, self.watcher = settings, replica, registry, watcher
        self.fell_back = False
        self._sources = replica.recommender.pipeline.names  # the same for as long as the process lives

    async def load(self, name: str) -> Loaded:
        """The model, read in a thread. Raises `ModelError` where it can't be."""
        async with self.replica.lock:
            catalog = self.replica.recommender.catalog
            seen = await self.replica.core.call(catalog.view)
        return await in_thread(self._open, name, catalog, seen)

    def catch_up(self, loaded: Loaded) -> None:
        """Make anew the vectors of items that came, or changed, while the model was loaded. Called in the
        core's thread; the caller holds the replica's lock.
        """
        catalog, model = self.replica.recommender.catalog, loaded.model
        if loaded.catalog is not catalog:  # it was read anew meanwhile, and rows may mean other items
            model.carry_on(catalog.carry_on(loaded.catalog, loaded.catalog.revised_since(model.seen)))
        model.refresh(catalog)

    def _open(self, name: str, catalog: Catalog, seen: Catalog) -> Loaded:
        loaded = load_model(
            self.registry.get(name),
            self.settings.providers,
            self.settings.fallback,
            self.settings.threads,
            on_fallback=self.runs_elsewhere,
        )
        graph, encoder = self.replica.graph, encoder_here(self.settings, self.registry)
        for trouble in (
            other_graph(loaded.manifest, graph.digest() if graph is not None else ""),
            other_encoder(loaded.manifest, None if encoder is None else encoder.reference),
        ):
            if trouble:
                self.watcher.warned(trouble)
        model, index = in_service(loaded, self._sources), self.replica.settings.index
        # What is made in this thread is at hand at the swap.
        model.index.configure(index, beside=False)
        model.refresh(seen)
        model.index.configure(index, beside=True)
        return Loaded(model, loaded.rescorer.provider, catalog)

    def runs_elsewhere(self, asked: str, got: str) -> None:
        """A model, or the text encoder, runs on another provider than the first that was asked for."""
        self.fell_back = True
        self.watcher.fell_back(asked, got)
