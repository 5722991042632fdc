"""Pages are rendered on the server: templates of all rooms, escaped by default, in the reader's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jinja2
from litestar import Request, Response, Router, get
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template.config import TemplateConfig
from markupsafe import Markup

from streams.gateway.errors import Problem, ProblemError, crash, problem
from streams.gateway.web.access import Guard
from streams.gateway.web.assets import assets
from streams.gateway.web.headers import OF_PAGES
from streams.gateway.web.language import COOKIE, LANGUAGES, chosen, language_of, texts
from streams.gateway.web.rooms import folders

A_YEAR_S = 365 * 86_400
AWAITS = Markup("disabled data-awaits")
"""Attributes of what does nothing without its module, which then calls `ready` of `web/page.js`."""


def render(request: Request[Any, Any, Any], name: str, status: int = 200, **values: Any) -> Template:
    """A page: the template `name` (`console/overview.html`) with `values`.

    Beside them a template knows `t`, `asset`, `icon`, `number`, `moment`, `page_data`, `awaits`, and of the
    request `lang`, `path`, and `in_language` (the addresses of the same page in each language).
    """
    language, room = language_of(request), name.partition("/")[0]
    said = texts(language)
    answer = Template(
        template_name=name,
        context=values
        | {
            "t": said,
            "lang": language,
            "path": request.scope["path"],
            "in_language": {each: _in_language(request, each) for each in LANGUAGES},
            "browser_texts": said.in_browser(room),
        },
        status_code=status,
        media_type=MediaType.HTML,
        headers=OF_PAGES | {"Content-Language": language, "Vary": "Accept-Language, Cookie"},
    )
    if chosen(request) is not None:
        answer.set_cookie(COOKIE, language, max_age=A_YEAR_S, path="/", samesite="lax", httponly=True)
    return answer


def pages_router(path: str, handlers: Sequence[BaseRouteHandler], guards: Sequence[Guard]) -> Router:
    """The routes of a room's pages. What goes wrong in them is told as a page. /schema leaves them out."""
    return Router(
        path=path,
        route_handlers=[*handlers, _no_page],
        guards=list(guards),
        include_in_schema=False,
        exception_handlers={ProblemError: _on_problem, HTTPException: _on_http, Exception: _on_crash},
    )


@get("/{address:path}")
async def _no_page(address: FromPath[str]) -> None:
    raise NotFoundException(address)


@cache
def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """For Litestar's app; templates are compiled once a process."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment()))


def environment() -> jinja2.Environment:
    """One loader over the rooms' folders; a name that a template misspells is an error, never nothing."""
    made = jinja2.Environment(
        loader=jinja2.PrefixLoader(
            {room: jinja2.FileSystemLoader(folder) for room, folder in folders("templates").items()}
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=assets().address, icon=icon, number=number, moment=moment, page_data=page_data)
    made.globals["awaits"] = AWAITS
    return made


def icon(name: str) -> Markup:
    """A picture of `web/icons.svg`; screen readers pass it over."""
    address = assets().address("web/icons.svg")
    return Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>').format(
        address, name
    )


def number(value: float | None, style: str = "integer") -> Markup:
    """A number, which the browser writes as its reader does.

    style: "integer", "decimal", "fixed" (three decimals, for a column), "percent" (of a share 0-1), "ms",
    "seconds", "bytes", "rate" (a second).

    >>> number(1234.5, "ms")
    Markup('<data class="number" value="1234.5" data-format="ms">1234.5</data>')
    """
    if value is None:
        return Markup('<span class="none">–</span>')
    return Markup('<data class="number" value="{0}" data-format="{1}">{0}</data>').format(value, style)


def moment(at_ms: float | None, style: str = "ago") -> Markup:
    """A time, in milliseconds since 1970. style: "ago" (goes on by itself), "time", "date", "moment"."""
    if at_ms is None:
        return Markup('<span class="none">–</span>')
    at = dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC).isoformat(timespec="milliseconds")
    return Markup('<time datetime="{}" data-format="{}">{}</time>').format(at, style, at[:19] + "Z")


def page_data(name: str, value: object) -> Markup:
    """Data for the page's modules, which read it by `data(name)` of `web/page.js`. It is no code."""
    filled = Markup('<script type="application/json" id="data-{}">{}</script>')
    return filled.format(name, jinja2.utils.htmlsafe_json_dumps(value))


def _in_language(request: Request[Any, Any, Any], language: str) -> str:
    """The page's own address with `lang`: a query alone, so it leads nowhere else."""
    query = request.scope["query_string"].decode("latin-1")
    asked = [each for each in parse_qsl(query, keep_blank_values=True) if each[0] != "lang"]
    return f"?{urlencode([*asked, ('lang', language)])}"


def _on_problem(request: Request[Any, Any, Any], error: ProblemError) -> Response[Any]:
    answer = _problem_page(request, error.problem)
    answer.headers.update(error.headers)
    return answer


def _on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    told = problem(
        error.status_code,
        "not_found" if error.status_code == 404 else "bad_request",
        expected="the address of a page",
        came=f"{request.method} {request.url.path[:200]}",
        remedy="go back, or begin at the first page",
    )
    return _problem_page(request, told)


def _on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return _problem_page(request, crash(request.method, request.scope["path"], error))


def _problem_page(request: Request[Any, Any, Any], told: Problem) -> Template:
    return render(request, "web/problem.html", told.status, problem=told)
