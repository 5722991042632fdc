"""What a request for a live feed asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl

from streams.gateway.errors import ProblemError, problem
from streams.gateway.feeds import FeedReads, out_of_range

LIVE_TEMPLATE = "/v1/users/{user_id}/live"
PARAMETERS = ("n", "impression", "last_event_id")
LAST_EVENT_ID = b"last-event-id"
_BEFORE, _, _AFTER = LIVE_TEMPLATE.partition("{user_id}")
_N = re.compile(r"0|[1-9]\d{0,3}")


class LiveAsked(NamedTuple):
    """The first `n` items of `user`'s feed, and whether each push is an impression. `known`: the revision
    that the client has; None for none.
    """

    user: str
    n: int
    impression: bool = False
    known: str | None = None


def user_of(path: str, root_path: str = "") -> str | None:
    """Whose live feed a path names; None for any other path.

    >>> user_of("/v1/users/ann/live"), user_of("/v1/users/ann/live/"), user_of("/v1/users/a/b/live")
    ('ann', 'ann', None)
    """
    path = path.removeprefix(root_path).removesuffix("/")
    if not (path.startswith(_BEFORE) and path.endswith(_AFTER)):
        return None
    user = path[len(_BEFORE) : -len(_AFTER)]
    return user if user and "/" not in user else None


def live_asked(
    user: str, query: bytes, headers: Iterable[tuple[bytes, bytes]], reads: FeedReads
) -> LiveAsked:
    """What a request asks for; raises `ProblemError`. The header Last-Event-ID, which browsers send when they
    come back, goes before the parameter, which a page had written into the address before.
    """
    told: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in PARAMETERS or name in told:
            raise _wrong_parameter(name, twice=name in told)
        told[name] = value
    n = told.get("n", str(reads.default))
    if _N.fullmatch(n) is None:
        raise out_of_range("n", f"1 to {reads.size}", repr(n[:40]))
    impression = told.get("impression", "false")
    if impression not in ("true", "false"):
        raise out_of_range("impression", "true or false", repr(impression[:40]))
    reads.check(user, int(n))
    sent = (value for name, value in headers if name == LAST_EVENT_ID)
    known = next(sent, b"").decode(errors="replace") or told.get("last_event_id", "")
    return LiveAsked(user, int(n), impression == "true", known or None)


def _wrong_parameter(name: str, twice: bool) -> ProblemError:
    return ProblemError(
        problem(
            400,
            "repeated_parameter" if twice else "unknown_parameter",
            expected=f"some of the parameters {', '.join(PARAMETERS)}, each once",
            came=f"{name[:100]} twice" if twice else name[:100],
            remedy="correct the name, or leave it out; GET /schema describes each route",
        )
    )
