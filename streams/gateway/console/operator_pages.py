"""Pages on what operators change and look up: experiments, learner, models, records, letters, settings."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from streams.gateway.admin.routes import Operators
from streams.gateway.console.dead_letters import dead_letter_pages
from streams.gateway.console.experiments import experiment_pages
from streams.gateway.console.items import items_page
from streams.gateway.console.learner import learner_page
from streams.gateway.console.models import models_page
from streams.gateway.console.settings import settings_page
from streams.gateway.console.titles import titles_route
from streams.gateway.console.users import users_page
from streams.gateway.experiments import Experiments
from streams.settings.tree import Settings
from streams.stores.base import Store


def operator_pages(
    settings: Settings, store: Store, shared: Operators, experiments: Experiments
) -> list[HTTPRouteHandler]:
    """All of them; they ask what the routes under /v1/admin ask."""
    return [
        *experiment_pages(experiments),
        learner_page(shared.learner),
        models_page(shared.models, shared.renewals),
        *dead_letter_pages(shared.letters),
        users_page(settings, store, shared.users),
        items_page(settings, store),
        settings_page(settings),
        titles_route(settings, store),
    ]
