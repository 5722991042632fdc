"""The document of /schema. It is made when it is first asked for: it would be half of what the app costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPI

from streams.experiments.declared.experiment import ExperimentSettings
from streams.gateway.admin.letter_bodies import LetterCorrection, Replay
from streams.gateway.events import FROM_APPS
from streams.gateway.experiment_bodies import ChangeReason, ShipRequest
from streams.gateway.items import ItemBody
from streams.gateway.line_stream import LineAnswer, StreamEnd
from streams.gateway.openapi import (
    bound_parameters,
    describe_bodies,
    describe_contents,
    describe_kinds,
    describe_refusals,
    describe_takes,
    name_actions,
)
from streams.gateway.openapi_headers import describe_headers
from streams.gateway.parameter_bounds import Bounds
from streams.gateway.ranking.routes import KINDS as RANKED_KINDS
from streams.gateway.records.item_kind import ItemContent
from streams.gateway.records.user_kind import UserContent
from streams.gateway.records.user_lines import UserBody
from streams.gateway.searching.routes import KINDS as SEARCH_KINDS
from streams.gateway.value_types import describe_values
from streams.settings.tree import Settings

IMPLIED = ("type", "event_id", "ts")
OWN_KINDS = (ExperimentSettings, ChangeReason, ShipRequest, Replay, LetterCorrection, LineAnswer, StreamEnd)


class DocumentConfig(OpenAPIConfig):
    """/schema and /schema/openapi.json answer JSON; no page loads scripts from another host.

    describe: adds to Litestar's document what Litestar cannot read from the handlers.
    """

    def __init__(self, version: str, describe: Callable[[OpenAPI], None]) -> None:
        super().__init__(
            title="Headrace",
            version=version,
            description="Events in, fresh recommendations out. Send events; read a feed to show it.",
            path="/schema",
            render_plugins=[JsonRenderPlugin()],
            operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        )
        self._describe = describe

    def to_openapi_schema(self) -> OpenAPI:
        """A document of which Litestar fills in the routes."""
        begun = super().to_openapi_schema()
        document = _Document(**{each.name: getattr(begun, each.name) for each in fields(begun)})
        document.describe = self._describe
        return document


class _Document(OpenAPI):
    describe: Callable[[OpenAPI], None]

    def to_schema(self) -> dict[str, Any]:
        """Litestar calls it once, when the document is asked for."""
        self.describe(self)
        return super().to_schema()


def describe(document: OpenAPI, settings: Settings, now_ms: int, bounds: Bounds) -> None:
    """Say what clients need beyond what Litestar reads from the handlers. now_ms: when the app was made."""
    describe_bodies(document, FROM_APPS, settings.events, now_ms)
    describe_takes(document, FROM_APPS, settings.gateway.events_max)
    describe_takes(document, [ItemBody], settings.gateway.events_max)
    name_actions(document, settings.meanings.names)
    describe_bodies(document, [ItemBody], settings.events, now_ms, implied=IMPLIED)
    describe_bodies(document, [UserBody], settings.events, now_ms, implied=IMPLIED)
    describe_kinds(document, OWN_KINDS + RANKED_KINDS + SEARCH_KINDS)
    describe_contents(document, [ItemContent, UserContent])
    bound_parameters(document, bounds)
    describe_refusals(document)
    describe_headers(document)
    describe_values(document)
