"""All routes under /v1/admin but those of experiments and search."""

from __future__ import annotations

from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.admin.dead_letters import DeadLetters
from streams.gateway.admin.items import ItemReach, item_admin_routes
from streams.gateway.admin.learner import LearnerAnswers, learner_routes
from streams.gateway.admin.letter_routes import dead_letter_routes
from streams.gateway.admin.model_routes import model_routes
from streams.gateway.admin.models import Models
from streams.gateway.admin.renewal import Renewals, renewal_routes
from streams.gateway.admin.users import Users, user_admin_routes
from streams.gateway.lists.lists import Lists
from streams.gateway.ranking.on_request import OnRequest
from streams.kafka.producer import EventSink
from streams.settings.tree import Settings
from streams.stores.base import Store


class Operators(NamedTuple):
    """What answers operators: routes and pages ask the same."""

    models: Models
    renewals: Renewals
    learner: LearnerAnswers
    letters: DeadLetters
    users: Users
    reach: ItemReach
    lists: Lists


def operators(
    settings: Settings, store: Store, sink: EventSink, clock: Clock, on_request: OnRequest
) -> Operators:
    """All of it."""
    return Operators(
        Models(settings, store, sink, clock),
        Renewals(settings, store, clock),
        LearnerAnswers(settings, store),
        DeadLetters(settings, clock),
        Users(settings, store, on_request, clock),
        ItemReach(on_request, clock),
        Lists(on_request, store),
    )


def admin_routes(shared: Operators) -> list[HTTPRouteHandler]:
    """The routes of models, renewals, the learner, dead letters, users and items."""
    return [
        *model_routes(shared.models),
        *renewal_routes(shared.renewals),
        *learner_routes(shared.learner),
        *dead_letter_routes(shared.letters),
        *user_admin_routes(shared.users),
        *item_admin_routes(shared.reach, shared.lists),
    ]
