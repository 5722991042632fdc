"""All routes of items and users, but for the hot ones."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.idempotency import IdempotentAnswers
from streams.gateway.items import ItemBody
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.openapi import takes_lines
from streams.gateway.records.item_kind import ItemKind
from streams.gateway.records.item_routes import item_lines_route, item_routes
from streams.gateway.records.records import Records
from streams.gateway.records.user_kind import UserKind
from streams.gateway.records.user_lines import UserBody
from streams.gateway.records.user_routes import user_lines_route, user_routes
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store


def record_routes(
    settings: Settings,
    store: Store,
    sink: EventSink,
    clock: Clock,
    metrics: GatewayMetrics,
    answers: IdempotentAnswers,
) -> list[HTTPRouteHandler]:
    """The routes, to put, change, read, list and withdraw them."""
    items = Records(ItemKind(), settings, store, sink, clock, metrics)
    users = Records(UserKind(), settings, store, sink, clock, metrics)
    return [
        *item_routes(items, answers),
        *user_routes(users, answers),
        item_lines_route(takes_lines(ItemBody, settings)),
        user_lines_route(takes_lines(UserBody, settings)),
    ]
