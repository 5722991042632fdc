"""GET /assets/{digest}/{name}: the pages' static files."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from streams.gateway.compression import coding_for
from streams.gateway.errors import ProblemError, problem
from streams.gateway.web.assets import ADDRESS, assets
from streams.gateway.web.headers import SAFE

FOR_GOOD = "public, max-age=31536000, immutable"


@get(ADDRESS + "/{digest:str}/{name:path}", include_in_schema=False, sync_to_thread=True)
def asset_route(
    request: Request[Any, Any, Any], digest: FromPath[str], name: FromPath[str]
) -> Response[bytes]:
    """A file, coded as the client takes it. 404 for one of another release: the page is then loaded anew."""
    coding = coding_for(request.headers.get("accept-encoding", "identity").encode("latin-1"))
    found = assets().find(digest, name.removeprefix("/"), coding)
    if found is None:
        raise ProblemError(
            problem(
                404,
                "not_found",
                expected="a static file of this release",
                came=f"{digest}{name}"[:200],
                remedy="load the page anew",
            ),
            SAFE,
        )
    headers = SAFE | {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
    if found.coding is not None:
        headers["Content-Encoding"] = found.coding
    return Response(found.body, media_type=found.media_type, headers=headers)
