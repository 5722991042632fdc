"""From requests to slates: the list of stages.

    remember · hydrate · filter · find · blend · features
    rescore · reweight · avert · match · favour · rerank · explain

A stage is one file here, and is called once for a batch of requests. What differs between requests is in
the requests (`streams.ranking.request`). A candidate source is one file in `candidates/` and one line in
`sources`.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.counters.counters import Counters
from streams.ranking.adaptation import Adaptation
from streams.ranking.aversion import Avert
from streams.ranking.blending import Blend
from streams.ranking.candidates.entities import Entities
from streams.ranking.candidates.fresh import Fresh
from streams.ranking.candidates.learned import LearnedNearest
from streams.ranking.candidates.lists import BatchSource
from streams.ranking.candidates.nearest import Nearest
from streams.ranking.candidates.popular import Popular
from streams.ranking.candidates.quotas import Quotas
from streams.ranking.candidates.source import Source
from streams.ranking.candidates.together import Together
from streams.ranking.candidates.transitions import Transitions
from streams.ranking.explaining import Explain
from streams.ranking.favouring import Favour
from streams.ranking.featuring import Features
from streams.ranking.filtering import Filter
from streams.ranking.finding import Find
from streams.ranking.hydration import Hydrate
from streams.ranking.index.vector_index import VectorIndex
from streams.ranking.matching import Match
from streams.ranking.models import Models
from streams.ranking.rank_batch import RankBatch
from streams.ranking.remembering import Remember
from streams.ranking.request import RankRequest
from streams.ranking.rerankers.drawn import Drawn
from streams.ranking.rerankers.fresh_place import FreshPlace
from streams.ranking.rerankers.posterior_scores import PosteriorScores
from streams.ranking.rerankers.trial import Trial
from streams.ranking.reranking import Rerank
from streams.ranking.rescoring import Rescore
from streams.ranking.reweighting import Reweight
from streams.ranking.stage import Stage
from streams.ranking.workspace import Workspace
from streams.state.catalog import Catalog
from streams.state.knowledge_graph import Graph


def sources() -> tuple[Source | BatchSource, ...]:
    """Every candidate source, in the order of their columns in `RankBatch.ranks`."""
    return (
        Together(),
        Transitions(),
        Popular("trending", half_life=0),
        Popular("popular", half_life=1),
        Nearest(),
        Fresh(),
        LearnedNearest(),
        Entities(),
    )


def source_names() -> list[str]:
    """The names of the sources, as settings and slates have them."""
    return [source.name for source in sources()]


class Pipeline:
    """The stages over one catalog and one set of counters.

    `length`: of the histories that models read. `tasks`, `adaptation`: see `Reweight`; `posterior`: see
    `Drawn`; `quotas`: see `Blend`. `models` may be swapped between two batches.
    """

    def __init__(
        self,
        catalog: Catalog,
        counters: Counters,
        length: int,
        graph: Graph | None = None,
        tasks: Sequence[str] = (),
        adaptation: Adaptation | None = None,
        posterior: PosteriorScores | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.catalog, self.counters = catalog, counters
        self.models, self.workspace, self.sources = Models(), Workspace(graph), sources()
        self.names = [source.name for source in self.sources]
        workspace, fresh = self.workspace, self.names.index("fresh") if "fresh" in self.names else -1
        self.gathering: tuple[Stage, ...] = (
            Remember(catalog, counters, workspace),
            Hydrate(catalog, self.models, length),
            Filter(catalog, workspace),
            Find(self.sources),
            Blend(catalog, workspace, fresh, quotas),
            Features(catalog, counters, workspace),
        )
        self.ordering: tuple[Stage, ...] = (
            Rescore(counters),
            Reweight(counters, tasks, adaptation),
            Avert(counters, workspace),
            Match(),
            Favour(),
            Rerank(workspace, (Trial(workspace), FreshPlace(catalog, fresh), Drawn(posterior))),
            Explain(catalog, counters, workspace, self.names),
        )

    def execute(self, requests: Sequence[RankRequest]) -> RankBatch:
        """All stages, for all requests."""
        return self.order(self.gather(requests))

    def gather(self, requests: Sequence[RankRequest]) -> RankBatch:
        """The candidates and their features."""
        return _run(self.gathering, RankBatch(requests))

    def order(self, batch: RankBatch) -> RankBatch:
        """Scores, places and reasons of candidates that were gathered."""
        return _run(self.ordering, batch)

    @property
    def indexes(self) -> list[VectorIndex]:
        """Those of the sources and of the models."""
        return [source.index for source in self.near] + [model.index for model in self.models.all()]

    @property
    def near(self) -> list[Nearest]:
        """The sources that keep an index over the items."""
        return [source for source in self.sources if isinstance(source, Nearest)]

    def refresh(self) -> None:
        """Bring what is derived from the items, vectors and indexes, in line with the catalog."""
        for source in self.near:
            source.refresh(self.catalog)
        for model in self.models.all():
            model.refresh(self.catalog)

    def grow(self) -> None:
        """Make room for every item of the catalog."""
        self.counters.grow(len(self.catalog))
        self.workspace.grow(self.catalog.ids)


def _run(stages: Sequence[Stage], batch: RankBatch) -> RankBatch:
    for stage in stages if len(batch) else ():
        asked = [b for b, request in enumerate(batch.requests) if stage.enable(request)]
        if asked:
            stage.run(batch, asked)
    return batch
