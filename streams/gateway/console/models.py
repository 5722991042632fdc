"""GET /console/models: the registry with its lineage and parity, what is active, and renewals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from streams.gateway.admin.model_views import ModelList, ModelView
from streams.gateway.admin.models import Models
from streams.gateway.admin.renewal import Renewals, RenewalView
from streams.gateway.console.answered import tried
from streams.gateway.console.showing import show

Asked = Request[Any, Any, Any]
ACTIVATIONS_SHOWN = 20
FACTS_MOST = 24
DEEPEST = 6
"""Descendants are set in so far at most."""


class Row(NamedTuple):
    """A model in the tree of descents. `facts`: what its making noted, as texts."""

    model: ModelView
    depth: int
    orphan: bool
    facts: list[tuple[str, str]]


def models_page(models: Models, renewals: Renewals) -> HTTPRouteHandler:
    """The page."""

    @get("/models", name="console.models")
    async def models_list(request: Asked) -> Template:
        found, trouble = await tried(models.all(), ModelList(None, [], [], []))
        renewal, _ = await tried(renewals.now(), RenewalView(False, None, None, None))
        return show(
            request,
            "models",
            found=found,
            rows=lineage(found.models),
            trouble=trouble,
            activations=found.activations[:ACTIVATIONS_SHOWN],
            renewal=renewal,
            now=msgspec.to_builtins(renewal),
        )

    return models_list


def lineage(models: Sequence[ModelView]) -> list[Row]:
    """Each model below the one that it went on learning from, the newest families first. `orphan`: its parent
    is not in the registry any more.
    """
    known = {each.name for each in models}
    children: dict[str | None, list[ModelView]] = {}
    for each in models:
        children.setdefault(
            each.parent if each.parent in known and each.parent != each.name else None, []
        ).append(each)
    rows: list[Row] = []
    met: set[str] = set()
    waiting = [(each, 0) for each in children.get(None, [])]
    while waiting:
        model, depth = waiting.pop()
        if model.name in met:
            continue
        met.add(model.name)
        orphan = model.parent is not None and model.parent not in known
        rows.append(Row(model, min(depth, DEEPEST), orphan, facts_of(model)))
        waiting += [(each, depth + 1) for each in children.get(model.name, [])]
    # Manifests are data: two may name each other.
    rows += [Row(each, 0, False, facts_of(each)) for each in models if each.name not in met]
    return rows


def facts_of(model: ModelView) -> list[tuple[str, str]]:
    """What a model's making noted, in short."""
    return [(name, _short(value)) for name, value in sorted(model.training.items())][:FACTS_MOST]


def _short(value: object, most: int = 200) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= most else text[: most - 1] + "…"
