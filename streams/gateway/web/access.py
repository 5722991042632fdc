"""Who may see pages: whoever asks from this very machine, or everybody where it is set so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from streams.gateway.errors import ProblemError, problem
from streams.gateway.loopback import came_through
from streams.settings.processes import PagesOpenTo

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], None]


def open_to(mode: PagesOpenTo, setting: str) -> Guard:
    """A guard of routes. `setting`: the name of the setting that `mode` is of, for the message.

    It raises `ProblemError` (403) for a request that is not of this machine, unless `mode` is "on".
    """

    def check(connection: Connection, _: BaseRouteHandler) -> None:
        if mode == "on":
            return
        if came := came_through(connection):
            raise ProblemError(
                problem(
                    403,
                    "not_loopback",
                    expected="a request from a loopback address of the gateway's machine, such as 127.0.0.1",
                    came=came,
                    remedy=f'open it on that machine, or set {setting} = "on" where only those reach the'
                    " gateway who may see all of it",
                )
            )

    return check
