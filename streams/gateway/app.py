"""The gateway as an ASGI app: events in, feeds out. It holds no model and imports no torch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.exceptions import HTTPException
from prometheus_client import CollectorRegistry

from streams.clock import Clock
from streams.experiments.declared.experiment import ExperimentSettings
from streams.gateway.errors import ProblemError, on_crash, on_http, on_problem
from streams.gateway.events import FROM_APPS, events_route
from streams.gateway.experiment_bodies import Because, Shipping
from streams.gateway.experiments import experiment_routes
from streams.gateway.feed_route import feed_routes
from streams.gateway.feeds import USER_ID_MAX, FeedReads
from streams.gateway.health import alive, asked_ranker, ready_route
from streams.gateway.hot_routes import Gateway
from streams.gateway.impressions import ImpressionLog
from streams.gateway.intake import EventIntake
from streams.gateway.items import ItemBody, items_route
from streams.gateway.metrics import GatewayMetrics, metrics_route
from streams.gateway.openapi import (
    bound_feed_parameters,
    config,
    describe_bodies,
    describe_kinds,
    name_actions,
)
from streams.gateway.ranking.elsewhere import ForwardError, RankersElsewhere
from streams.gateway.ranking.metrics import RankerMetrics
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.routes import KINDS as RANKED_KINDS
from streams.gateway.ranking.routes import ranking_routes
from streams.gateway.searching.routes import KINDS as SEARCH_KINDS
from streams.gateway.searching.routes import searching_routes
from streams.gateway.shelf import Shelf
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store

if TYPE_CHECKING:
    from streams.serving.ranker import Ranker


def create_app(
    settings: Settings,
    store: Store,
    producer: EventSink,
    clock: Clock,
    registry: CollectorRegistry | None = None,
    ranker: Ranker | None = None,
    ranks_alone: bool = False,
) -> Gateway:
    """The app; it starts `producer` when it starts, and closes `producer` and `store` when it ends.

    ranker: answers what is asked of it; where it has not begun, the app has it begin, and closes it.
    ranks_alone: whether this process is there for that, and is not ready before its ranker is.
    registry: holds the app's metrics; by default the app makes a new one.
    """
    metrics = GatewayMetrics(CollectorRegistry() if registry is None else registry)
    gateway = settings.gateway
    intake = EventIntake(settings, producer, clock, metrics)
    shelf = Shelf(settings.meanings, store, clock, gateway.timeout_ms / 1_000)
    impressions = ImpressionLog(producer, clock, metrics, gateway.timeout_ms / 1_000)
    reads = FeedReads(settings, shelf, impressions, clock, metrics)
    on_request = OnRequest(settings, ranker, impressions, clock)
    if ranker is not None:
        ranker.watched_by(RankerMetrics(metrics.registry))
    elsewhere = None
    if ranker is None and settings.ranker.where == "elsewhere":
        elsewhere = RankersElsewhere(settings)

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await shelf.prepare()
        await producer.start()
        impressions.start()
        begun = ranker is not None and ranker.begin()
        if elsewhere is not None:
            await elsewhere.start()
        try:
            yield
        finally:
            if ranker is not None and begun:
                await ranker.close()
            if elsewhere is not None:
                await elsewhere.stop()
            await impressions.stop(gateway.drain_deadline_s)
            await producer.stop()
            await store.close()

    app = Litestar(
        route_handlers=[
            events_route(intake, settings),
            items_route(intake, settings),
            *feed_routes(on_request, reads),
            *ranking_routes(on_request, store),
            *searching_routes(on_request, metrics.registry),
            *experiment_routes(settings, store, clock),
            alive,
            ready_route(settings, store, producer, metrics, asked_ranker(ranker, elsewhere), ranks_alone),
            metrics_route(metrics),
        ],
        lifespan=[running],
        before_send=[metrics.count_request],
        exception_handlers={
            ProblemError: on_problem,
            HTTPException: on_http,
            Exception: on_crash,
            **({} if elsewhere is None else {ForwardError: elsewhere.on_forward}),
        },
        openapi_config=config(_version()),
        request_max_body_size=gateway.body_max_bytes,
        logging_config=None,
    )
    describe_bodies(app, FROM_APPS, settings.events, clock.now_ms())
    name_actions(app, settings.meanings.names)
    describe_bodies(app, [ItemBody], settings.events, clock.now_ms(), implied=("type", "event_id", "ts"))
    describe_kinds(app, [ExperimentSettings, Because, Shipping, *RANKED_KINDS, *SEARCH_KINDS])
    bound_feed_parameters(app, reads.size, reads.default, USER_ID_MAX)
    return Gateway(app, reads, intake, metrics, gateway.body_max_bytes)


def _version() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:
        return "0"
