"""All routes under /v1/admin but those of experiments."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.admin.dead_letters import dead_letter_routes
from streams.gateway.admin.items import ItemReach, item_admin_routes
from streams.gateway.admin.learner import learner_routes
from streams.gateway.admin.models import model_routes
from streams.gateway.admin.renewal import renewal_routes
from streams.gateway.admin.users import Users, user_admin_routes
from streams.gateway.lists.lists import Lists
from streams.gateway.ranking.on_request import OnRequest
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store


def admin_routes(
    settings: Settings, store: Store, sink: EventSink, clock: Clock, on_request: OnRequest
) -> list[HTTPRouteHandler]:
    """The routes of models, renewals, the learner, dead letters, users and items."""
    return [
        *model_routes(settings, store, sink, clock),
        *renewal_routes(settings, store, clock),
        *learner_routes(settings, store),
        *dead_letter_routes(settings, clock),
        *user_admin_routes(Users(settings, store, on_request, clock)),
        *item_admin_routes(ItemReach(on_request, clock), Lists(on_request, store)),
    ]
