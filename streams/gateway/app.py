"""The gateway as an ASGI app: events in, feeds out. It holds no model and imports no torch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.openapi.spec import OpenAPI
from prometheus_client import CollectorRegistry

from streams.clock import Clock
from streams.gateway.admin.routes import admin_routes, operators
from streams.gateway.console.operator_pages import operator_pages
from streams.gateway.console.routes import console_routes
from streams.gateway.console.watch import Watch
from streams.gateway.demo_app.routes import demo_routes
from streams.gateway.document import DocumentConfig, describe
from streams.gateway.errors import ProblemError, on_crash, on_http, on_problem
from streams.gateway.events import events_route
from streams.gateway.experiment_routes import experiment_routes
from streams.gateway.experiments import Experiments
from streams.gateway.feed_route import feed_routes
from streams.gateway.feeds import FeedReads
from streams.gateway.health import ReadyCheck, alive, asked_ranker, ready_route
from streams.gateway.hot_routes import Gateway
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.impressions import ImpressionLog
from streams.gateway.intake import EventIntake
from streams.gateway.items import items_route
from streams.gateway.known_parameters import KnownParameters
from streams.gateway.line_stream import LineStreams
from streams.gateway.lists.routes import lists_routes
from streams.gateway.live.live import LiveFeeds
from streams.gateway.live.metrics import LiveMetrics
from streams.gateway.live.route import live_route
from streams.gateway.live.traced_pushes import TracedPushes
from streams.gateway.metrics import GatewayMetrics, metrics_route
from streams.gateway.parameter_bounds import parameter_bounds
from streams.gateway.plain_hand_on import PlainHandOn
from streams.gateway.plain_ranking import PlainRanking
from streams.gateway.ranking.forwarding import ForwardError
from streams.gateway.ranking.metrics import RankerMetrics
from streams.gateway.ranking.on_request import OnRequest
from streams.gateway.ranking.rank_route import Rankings
from streams.gateway.ranking.routes import ranking_routes
from streams.gateway.records.routes import record_routes
from streams.gateway.representations import Representations
from streams.gateway.searching.routes import searching_routes
from streams.gateway.searching.searches import Searches
from streams.gateway.shelf import Shelf
from streams.gateway.versions import version_route
from streams.gateway.web.pages import template_config
from streams.gateway.web.routes import asset_route
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store
from streams.tracing.tracing import Tracing

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
    tracing: Tracing | None = None,
) -> Gateway:
    """The app; it starts `producer` when it starts, and closes `producer` and `store` when it ends.

    ranker: answers what is asked of it; where it has not begun, the app has it begin, and closes it.
    ranks_alone: whether this process is there for that, and is not ready before its ranker is.
    registry: holds the app's metrics; by default the app makes a new one.
    tracing: of the process, where it is on: feeds that are pushed are traced by it.
    """
    metrics = GatewayMetrics(CollectorRegistry() if registry is None else registry)
    gateway = settings.gateway
    intake = EventIntake(settings, producer, clock, metrics)
    answers, known, version = IdempotentAnswers(store, gateway), KnownParameters(), _version()
    shelf = Shelf(settings.meanings, store, clock, gateway.timeout_ms / 1_000)
    impressions = ImpressionLog(producer, clock, metrics, gateway.timeout_ms / 1_000)
    reads = FeedReads(settings, shelf, impressions, clock, metrics)
    live = LiveFeeds(
        *(settings.live, store, reads, clock, LiveMetrics(metrics.registry), gateway.retry_after_s),
        traces=None if tracing is None else TracedPushes(tracing, clock),
    )
    on_request = OnRequest(settings, ranker, impressions, clock)
    if ranker is not None:
        ranker.watched_by(RankerMetrics(metrics.registry))
    rankings, searches = Rankings(on_request), Searches(on_request, metrics.registry)
    console = gateway.console != "off" and not ranks_alone
    watch = Watch(settings, store, producer, clock, metrics) if console else None
    elsewhere = None
    if ranker is None and settings.ranker.where == "elsewhere":
        from streams.gateway.ranking.elsewhere import RankersElsewhere  # with an HTTP client, which is large

        elsewhere = RankersElsewhere(settings)

    shared = operators(settings, store, producer, clock, on_request)
    experiments = Experiments(settings, store, clock)

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await shelf.prepare()
        await producer.start()
        impressions.start()
        begun = ranker is not None and ranker.begin()
        if elsewhere is not None:
            await elsewhere.start()
        if watch is not None:
            watch.start()
        try:
            yield
        finally:
            live.end()
            await live.stop()
            if watch is not None:
                await watch.stop()
            if ranker is not None and begun:
                await ranker.close()
            if elsewhere is not None:
                await elsewhere.stop()
            await impressions.stop(gateway.drain_deadline_s)
            await producer.stop()
            await store.close()

    now_ms = clock.now_ms()

    def described(document: OpenAPI) -> None:
        describe(document, settings, now_ms, parameter_bounds(reads.size, reads.default))

    asked = asked_ranker(ranker, elsewhere)
    ready = ReadyCheck(settings, store, producer, metrics, asked, ranks_alone)
    app = Litestar(
        route_handlers=[
            events_route(intake, settings, answers, now_ms),
            items_route(intake, settings, answers),
            *record_routes(settings, store, producer, clock, metrics, answers),
            *feed_routes(on_request, reads, answers),
            live_route(settings.live, reads),
            *ranking_routes(on_request, rankings, store, answers),
            *lists_routes(on_request, store),
            *searching_routes(searches, answers),
            *experiment_routes(experiments),
            *admin_routes(shared),
            version_route(version),
            alive,
            ready_route(ready, gateway.retry_after_s),
            metrics_route(metrics, ready.ask_again),
            *console_routes(
                settings, store, producer, clock, watch, operator_pages(settings, store, shared, experiments)
            ),
            *demo_routes(settings, store),
            asset_route,
        ],
        lifespan=[running],
        before_request=known.check,
        before_send=[metrics.count_request],
        exception_handlers={
            ProblemError: on_problem,
            HTTPException: on_http,
            Exception: on_crash,
            **({} if elsewhere is None else {ForwardError: elsewhere.on_forward}),
        },
        template_config=template_config(),
        openapi_config=DocumentConfig(version, described),
        request_max_body_size=gateway.body_max_bytes,
        logging_config=None,
    )
    known.read(app)
    streams, representations = LineStreams(intake, settings), Representations(gateway)
    ranking: PlainRanking | PlainHandOn | None = None
    if ranker is not None:
        ranking = PlainRanking(rankings, searches, gateway.body_max_bytes)
    elif elsewhere is not None:
        ranking = PlainHandOn(elsewhere, gateway.body_max_bytes)
    return Gateway(
        app, reads, intake, metrics, gateway.body_max_bytes, streams, representations, live,
        ranking,
        end_its=watch.end if watch is not None else lambda: None,
    )  # fmt: skip


def _version() -> str:
    try:
        return version("headrace")
    except PackageNotFoundError:
        return "0"
