"""GET /console: how the system does, at a glance."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.gateway.console.showing import show
from streams.gateway.console.watch import Watch
from streams.worker_reports.report import STAGES


def overview_page(watch: Watch) -> HTTPRouteHandler:
    """The first page: throughput, freshness by stage against its objective, lag, rungs, workers, alarms."""

    @get("/", name="console.overview")
    async def overview(request: Request[Any, Any, Any]) -> Template:
        await watch.look()
        p50_ms, p99_ms = watch.objective_ms
        return show(
            request,
            "overview",
            figures=watch.figures,
            stages=STAGES,
            objective={"p50": p50_ms, "p99": p99_ms},
        )

    return overview
