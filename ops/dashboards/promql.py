"""Queries in PromQL over metrics that exist.

A query on a name, a kind or a label that no process exports raises when the dashboards are made. Counters are
read by their rate first and summed after that: a sum of counters falls when one process restarts, and its
rate would be wrong. Quantiles are taken of buckets that are summed by their bound.
"""

from __future__ import annotations

from typing import NamedTuple

from ops.dashboards.exported import Metric, exported

TARGET = frozenset(("namespace", "job", "instance"))
"""Labels that Prometheus puts on what it scrapes."""
WINDOW = "$__rate_interval"
CHOSEN = 'namespace=~"$namespace", instance=~"$instance"'


class Query(NamedTuple):
    """`expr` in PromQL; `legend`: what a line is called; `says`: the help of the metric."""

    expr: str
    legend: str
    says: str
    unit: str


def rate(name: str, *by: str, unit: str = "cps", legend: str = "", **where: str) -> Query:
    """Of a counter: how many a second."""
    metric = _metric(name, "counter", by, where)
    return Query(_rate(metric, "_total", by, where), legend or _legend(by), metric.says, unit)


def quantile(q: float, name: str, *by: str, unit: str = "s", legend: str = "", **where: str) -> Query:
    """Of a histogram: the value that the share `q` of all observations is below."""
    metric = _metric(name, "histogram", by, where)
    expr = f"histogram_quantile({q:g}, {_rate(metric, '_bucket', ('le', *by), where)})"
    named = legend or " ".join(filter(None, [f"p{100 * q:g}", _legend(by)]))
    return Query(expr, named, metric.says, unit)


def mean(name: str, *by: str, unit: str = "s", legend: str = "", **where: str) -> Query:
    """Of a histogram: the mean of all observations."""
    metric = _metric(name, "histogram", by, where)
    expr = f"{_rate(metric, '_sum', by, where)} / {_rate(metric, '_count', by, where)}"
    return Query(expr, legend or " ".join(filter(None, ["mean", _legend(by)])), metric.says, unit)


def share(name: str, *by: str, legend: str = "", **where: str) -> Query:
    """Of a counter: which part of all each value of `by` has, or those that are as `where` says."""
    metric = _metric(name, "counter", by, where)
    part, whole = _rate(metric, "_total", by, where), _rate(metric, "_total", (), {})
    # What never happened has no series yet: a part that is asked for by itself is 0 then.
    expr = f"{part} / on () group_left () ({whole} > 0)" if by else f"({part} or vector(0)) / ({whole} > 0)"
    return Query(expr, legend or _legend(by), metric.says, "percentunit")


def gauge(how: str, name: str, *by: str, unit: str = "short", legend: str = "", **where: str) -> Query:
    """Of a gauge: its `sum`, `max`, `min` or `count` over the processes."""
    metric = _metric(name, "gauge", by, where)
    grouped = f" by ({', '.join(by)})" if by else ""
    expr = f"{how}{grouped} ({metric.name}{{{_chosen(where)}}})"
    return Query(expr, legend or _legend(by), metric.says, unit)


def _rate(metric: Metric, suffix: str, by: tuple[str, ...], where: dict[str, str]) -> str:
    grouped = f" by ({', '.join(by)})" if by else ""
    return f"sum{grouped} (rate({metric.name}{suffix}{{{_chosen(where)}}}[{WINDOW}]))"


def _chosen(where: dict[str, str]) -> str:
    """A value that begins with `~` is a pattern, one with `!` is left out."""
    told = [
        f'{label}{"=~" if value[:1] == "~" else "!=" if value[:1] == "!" else "="}"{value.lstrip("~!")}"'
        for label, value in where.items()
    ]
    return ", ".join([CHOSEN, *told])


def _legend(by: tuple[str, ...]) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by)


def _metric(name: str, kind: str, by: tuple[str, ...], where: dict[str, str]) -> Metric:
    metric = exported().get(name)
    if metric is None or metric.kind != kind:
        came = "no such metric is exported" if metric is None else f"it is a {metric.kind}"
        raise ValueError(f"expected the name of a {kind}, got {name!r}: {came}; see streams/*/metrics.py")
    if unknown := {*by, *where} - metric.labels - TARGET:
        known = ", ".join(sorted(metric.labels)) or "none"
        raise ValueError(f"{name} has no label {', '.join(sorted(unknown))}; its labels: {known}")
    return metric
