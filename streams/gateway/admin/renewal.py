"""/v1/admin/renewal: ask for a renewal of the model now, and see how far it is.

The gateway trains nothing: it leaves a request in the store, and `headrace renew` takes it within seconds.
"""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from streams.clock import Clock
from streams.gateway.admin.replies import BODY, CHANGED, READ, StoreCalls, admin_body
from streams.gateway.answers import json_answer, response
from streams.gateway.bodies import body_of
from streams.gateway.errors import ProblemError, problem
from streams.gateway.experiment_bodies import ChangeReason
from streams.gateway.feeds import NO_STORE
from streams.gateway.loopback import check_loopback
from streams.gateway.openapi import body_as
from streams.serving.renewal_notes import VERSION, RenewalAsked, RenewalSeen, ask_renewal, read_renewal
from streams.settings.tree import Settings
from streams.stores.base import Store

PATH = "/v1/admin/renewal"
Asked = Request[Any, Any, Any]


class RequestView(msgspec.Struct):
    """A request that waits for a process. `tries`: how many have begun it and ended before it was done."""

    request_id: str
    asked_ms: int
    by: str
    because: str
    tries: int


class RunningRenewal(msgspec.Struct):
    """A renewal that runs since `since_ms`, for a request, or ("") by the schedule. `stage`: what it does
    just now; `done` of `total` parts of it.
    """

    request_id: str
    since_ms: int
    stage: str
    done: int
    total: int


class FinishedRenewal(msgspec.Struct):
    """The last renewal. `outcome`: "promoted" (a better model is active), "kept" (it is not better, and not
    active), "ordered" (it is better, and no worker has confirmed it yet), "waiting" (too few examples), "no
    model", or "failed". `said`: the same in words, with figures.
    """

    request_id: str
    ended_ms: int
    outcome: str
    said: str


class RenewalView(msgspec.Struct):
    """`alive`: a process is there that renews models. `asked`: a request that waits for it."""

    alive: bool
    asked: RequestView | None
    at_work: RunningRenewal | None
    last: FinishedRenewal | None


class RenewalRequested(msgspec.Struct):
    """The request was left. `alive`: whether a process is there to take it; else it waits for a day."""

    request_id: str
    alive: bool


class Renewals:
    """What the routes share."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._calls = store, clock, StoreCalls(settings.gateway)

    async def now(self) -> RenewalView:
        """How things stand."""
        async with self._calls.answering():
            return renewal_view(await read_renewal(self._store))

    async def ask(self, by: str, because: str) -> RenewalRequested:
        """Leave a request."""
        asked = RenewalAsked(VERSION, uuid.uuid4().hex, self._clock.now_ms(), by, because)
        async with self._calls.answering():
            left = await ask_renewal(self._store, asked)
            seen = await read_renewal(self._store)
        if not left:
            raise ProblemError(
                problem(
                    409,
                    "renewal_asked",
                    expected="no other request that waits",
                    came="one that no renewal process has taken yet",
                    remedy="wait for it; where none runs, start `headrace renew`",
                )
            )
        return RenewalRequested(asked.request_id, seen.alive)


def renewal_view(seen: RenewalSeen) -> RenewalView:
    """What is answered of it. A process that is gone is at work no more, whatever it said last."""
    status = seen.status
    at_work = seen.alive and status.began_ms
    left = seen.taken is not None and not (at_work and status.request_id == seen.taken.request_id)
    asked = seen.asked or (seen.taken if left else None)
    return RenewalView(
        seen.alive,
        None
        if asked is None
        else RequestView(asked.request_id, asked.asked_ms, asked.by, asked.because, asked.tries),
        RunningRenewal(status.request_id, status.began_ms, status.stage, status.done, status.total)
        if at_work
        else None,
        FinishedRenewal(status.ended_request_id, status.ended_ms, status.outcome, status.said)
        if status.outcome
        else None,
    )


def renewal_routes(renewals: Renewals) -> list[HTTPRouteHandler]:
    """The routes, to ask for a renewal and to look at it."""

    @get(PATH, summary="How renewals stand", tags=["models"], responses=READ)
    async def get_renewal() -> Response[RenewalView]:
        return response(json_answer(200, await renewals.now(), headers=NO_STORE))

    @post(
        PATH,
        status_code=202,
        summary="Renew the model now",
        description=(
            "Leaves a request for the process `headrace renew`, which begins within seconds: it trains the "
            "model in force on what workers logged, and activates the new one if it is better. From a "
            "loopback address alone."
        ),
        tags=["models"],
        operation_class=body_as(ChangeReason, {"because": "New items came.", "by": "ann"}, optional=True),
        responses={**CHANGED, **BODY},
    )
    async def ask_for_renewal(request: Asked) -> Response[RenewalRequested]:
        check_loopback(request)
        because = admin_body(await body_of(request), ChangeReason)
        client = request.client.host if request.client is not None else "unknown"
        told = await renewals.ask(because.by or f"api:{client}", because.because)
        return response(json_answer(202, told, headers=NO_STORE))

    return [get_renewal, ask_for_renewal]
