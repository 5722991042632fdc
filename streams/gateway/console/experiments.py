"""GET /console/experiments, and one of them: its verdict, its intervals, what may be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from model.errors import ExperimentError
from streams.experiments.registry.audit import Entry
from streams.gateway.console.answered import tried
from streams.gateway.console.showing import show
from streams.gateway.console.verdicts import verdicts
from streams.gateway.errors import ProblemError
from streams.gateway.experiment_bodies import AuditView, ExperimentList, ExperimentView, ReadingView
from streams.gateway.experiment_refusals import refusal
from streams.gateway.experiments import Experiments
from streams.gateway.web.language import language_of, texts

Asked = Request[Any, Any, Any]
LOG_MOST = 200
KINDS = {"running": "good", "shipped": "good", "waiting": "warn", "over": "warn"}
"""How a state looks; the others are plain."""


def experiment_pages(experiments: Experiments) -> list[HTTPRouteHandler]:
    """The pages."""

    @get("/experiments", name="console.experiments")
    async def experiments_page(request: Asked) -> Template:
        found, trouble = await tried(experiments.all(), ExperimentList([]))
        log, _ = await tried(experiments.log(), AuditView([], True, 0, "", ""))
        rows = [(each, shares(each)) for each in found.experiments]
        return show(request, "experiments", rows=rows, trouble=trouble, log=log, kinds=KINDS)

    @get("/experiments/{name:str}", name="console.experiment")
    async def experiment_page(request: Asked, name: FromPath[str]) -> Template:
        try:
            view = await experiments.one(name)
            reading = await started(experiments, name)
            course = await experiments.course(name) if reading is not None else None
            log = await experiments.log()
        except ExperimentError as error:
            raise refusal(error) from None
        except ProblemError as error:
            return show(
                request, "experiment", error.problem.status, experiment=name, view=None, trouble=error.problem
            )
        said = [] if reading is None else verdicts(texts(language_of(request)), view, reading)
        return show(
            request,
            "experiment",
            experiment=name,
            view=view,
            trouble=None,
            kinds=KINDS,
            shares=shares(view),
            reading=reading,
            said=said,
            course=None if course is None else msgspec.to_builtins(course),
            entries=entries_of(log.entries, name),
            log=log,
            actions=actions_of(view),
            to_ship=[arm for arm in view.declared.arms if arm not in view.stopped_arms],
            stages={arm: text_of(each.stages) for arm, each in view.declared.arms.items()},
        )

    return [experiments_page, experiment_page]


async def started(experiments: Experiments, name: str) -> ReadingView | None:
    """The reading; None for an experiment that has not started."""
    try:
        return await experiments.reading(name)
    except ExperimentError as error:
        if error.reason == "not_started":
            return None
        raise


def shares(view: ExperimentView) -> dict[str, float]:
    """Of each arm, the part of the experiment's users."""
    if view.declared.interleaved:
        return dict.fromkeys(view.declared.arms, 1.0)
    total = sum(view.weights.values()) or 1.0
    return {arm: view.weights.get(arm, 0.0) / total for arm in view.declared.arms}


def actions_of(view: ExperimentView) -> tuple[str, ...]:
    """What may be done with an experiment in this state: some of start, stop, ship, remove."""
    if view.state == "declared":
        return ("start", "stop")
    if view.state == "shipped":
        return ("stop",)
    if view.state == "stopped":
        return ("remove",)
    return ("stop", "ship")


def entries_of(entries: Sequence[Entry], name: str) -> list[tuple[Entry, str]]:
    """The log of one experiment, the newest first, with what an entry says besides the declaration."""
    mine = [each for each in reversed(entries) if each.experiment == name][:LOG_MOST]
    return [
        (each, text_of({key: value for key, value in each.said.items() if key not in ("declared", "ms")}))
        for each in mine
    ]


def text_of(value: object) -> str:
    """A small table as people read it: JSON, or "" for an empty one."""
    return msgspec.json.encode(value).decode() if value else ""
