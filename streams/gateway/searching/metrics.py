"""The metrics of search, in the registry of the process whose ranker answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, Histogram

from streams.gateway.ranking.metrics import BUCKETS_S

if TYPE_CHECKING:
    from streams.serving.item_search import ItemSearch


class SearchMetrics:
    """`items`: the index as it is when a metric is read; None where there is none yet."""

    def __init__(self, registry: CollectorRegistry, items: Callable[[], ItemSearch | None]) -> None:
        self.registry = registry
        self.seconds = Histogram(
            "headrace_search_seconds",
            "Time of a search (its first page), and of completions.",
            ("kind",),
            buckets=BUCKETS_S,
            registry=registry,
        )

        def told(name: str, says: str, value: Callable[[ItemSearch], float]) -> None:
            def read() -> float:
                found = items()
                return 0.0 if found is None else value(found)

            Gauge(f"headrace_search_{name}", says, registry=registry).set_function(read)

        told("items", "Items in the index of words.", lambda found: len(found.index.words))
        told("waiting_items", "Changes that are not found yet.", lambda found: found.index.waiting)
        told("left_out_items", "Items that broke the writer.", lambda found: found.index.words.left_out)
        told("failing", "1 where the last commit failed.", lambda found: float(bool(found.trouble)))
