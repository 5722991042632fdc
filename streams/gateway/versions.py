"""GET /v1: which build answers, and which versions of the API it has."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

API = "v1"
"""Within a version, fields and routes are only added. docs/api.md has the rules."""


class Versions(msgspec.Struct):
    """`headrace`: of the build; `api`: of the routes under this path."""

    headrace: str
    api: str


def version_route(version: str) -> HTTPRouteHandler:
    """The route that says so."""

    @get(f"/{API}", summary="Which version answers", tags=["operations"])
    async def get_versions() -> Versions:
        return Versions(version, API)

    return get_versions
