"""What a query in PromQL asks for, held against what the processes export. It reads queries by itself, and
knows nothing of how the dashboards were made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser
from promql_parser import AggregateExpr, Call, Expr, MatrixSelector, VectorSelector

from ops.dashboards.exported import metric_of
from ops.dashboards.promql import TARGET

RATES = {"rate", "irate", "increase"}


def unknown_in(query: str) -> list[str]:
    """What is wrong with it: metrics and labels that nothing exports, rates of what is no counter."""
    return list(_faults(promql_parser.parse(query)))


def selectors(expr: Expr) -> list[VectorSelector]:
    """All that it reads."""
    return [each for each in _nodes(expr) if isinstance(each, VectorSelector)]


def outputs(expr: Expr) -> set[str]:
    """The labels that its result has."""
    match expr:
        case VectorSelector():
            return labels_of(expr)
        case MatrixSelector():
            return labels_of(expr.vector_selector)
        case AggregateExpr():
            return set(expr.modifier.labels) if expr.modifier else set()
        case Call():
            dropped = {"le"} if expr.func.name == "histogram_quantile" else set()
            return set().union(*(outputs(each) for each in expr.args)) - dropped
        case _:
            inner: Any = getattr(expr, "lhs", None) or getattr(expr, "expr", None)
            return outputs(inner) if inner is not None else set()


def labels_of(selector: VectorSelector) -> set[str]:
    """The labels of a series, with those that Prometheus adds."""
    if selector.name == "up":
        return set(TARGET)
    metric = metric_of(selector.name or "")
    bound = {"le"} if metric and (selector.name or "").endswith("_bucket") else set()
    return {*TARGET, *bound, *(metric.labels if metric else ())}


def _nodes(expr: Expr) -> list[Expr]:
    found: list[Expr] = []
    promql_parser.walk(expr, pre_visit=found.append)
    # A walk stops at what is within brackets.
    return found + [each.vector_selector for each in found if isinstance(each, MatrixSelector)]


def _faults(expr: Expr) -> Iterator[str]:
    for node in _nodes(expr):
        match node:
            case VectorSelector():
                if node.name != "up" and metric_of(node.name or "") is None:
                    yield f"{node.name} is not exported"
                for matcher in node.matchers.matchers:
                    if matcher.name not in labels_of(node):
                        yield f"{node.name} has no label {matcher.name}"
            case AggregateExpr() if node.modifier:
                for label in set(node.modifier.labels) - outputs(node.expr):
                    yield f"sum by {label}: there is no such label"
            case Call() if node.func.name in RATES:
                yield from _rate_faults(node)


def _rate_faults(call: Call) -> Iterator[str]:
    (inner,) = call.args
    if not isinstance(inner, MatrixSelector):
        yield f"{call.func.name} of what is no series"
        return
    name = inner.vector_selector.name or ""
    metric = metric_of(name)
    if metric is not None and (metric.kind == "gauge"):
        yield f"{call.func.name} of {name}, a gauge"
