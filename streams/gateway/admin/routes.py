"""All routes under /v1/admin but those of experiments."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.admin.dead_letters import dead_letter_routes
from streams.gateway.admin.learner import learner_routes
from streams.gateway.admin.models import model_routes
from streams.gateway.admin.renewal import renewal_routes
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store


def admin_routes(settings: Settings, store: Store, sink: EventSink, clock: Clock) -> list[HTTPRouteHandler]:
    """The routes of models, renewals, the learner and dead letters."""
    return [
        *model_routes(settings, store, sink, clock),
        *renewal_routes(settings, store, clock),
        *learner_routes(settings, store),
        *dead_letter_routes(settings),
    ]
