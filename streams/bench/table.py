"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streams.bench.machine import Machine
from streams.bench.result import END_TO_END, FRESHNESS, WAY, StepResult, way_of

COLUMNS = (
    "offered /s",
    "accepted → seen p50 / p95 / p99 ms",
    "accepted → applied",
    "applied → pushed",
    "pushed → seen",
    "due → seen, p99",
    "full / fewer / counters / popular",
    "CPU ms an event: worker, gateway, Kafka, Valkey",
    "lost",
    "drained",
)


def markdown(title: str, machine: Machine, results: Sequence[StepResult]) -> str:
    """A page: the command, the machine, and a row for each rate."""
    lines = [
        *page_head(title, machine),
        *table_lines(COLUMNS, [row(result) for result in results]),
        "",
        *_notes(results),
    ]
    return "\n".join(lines) + "\n"


def page_head(title: str, machine: Machine) -> list[str]:
    """The lines before a page's table: the title, the command, the machine and its versions."""
    return [
        f"# {title}",
        "",
        f"`{machine.command}`",
        "",
        (
            f"{machine.date}, {machine.cores} cores of {machine.processor}, {machine.memory_gib} GiB;"
            f" load average before: {machine.load_before}."
        ),
        ", ".join(f"{name} {number}" for name, number in machine.versions.items()) + ".",
        *(f"GPU: {gpu}." for gpu in machine.gpus),
        "",
    ]


def table_lines(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown.

    >>> table_lines(["a", "b"], [["1", "2"]])
    ['| a | b |', '|---|---|', '| 1 | 2 |']
    """
    first, *others = ("| " + " | ".join(cells) + " |" for cells in [heads, *rows])
    return [first, "|" + "---|" * len(heads), *others]


def row(result: StepResult) -> list[str]:
    """One rate's cells, in the order of `COLUMNS`."""

    def stage(name: str) -> str:
        values = result.stages[name]
        return f"{values['p50']:,.1f} / {values['p95']:,.1f} / {values['p99']:,.1f}"

    cpu = result.cpu_ms_per_event
    return [
        f"{result.rate:,.0f}",
        f"**{stage(FRESHNESS)}**",
        stage("accepted_to_applied"),
        stage("applied_to_pushed"),
        stage("pushed_to_seen"),
        f"{result.stages[END_TO_END]['p99']:,.1f}",
        " / ".join(f"{share:.1%}" for share in result.rungs.values()),
        ", ".join(f"{cpu[name]:.2f}" for name in ("worker", "gateway", "Kafka", "Valkey")),
        f"{result.lost}" + (f", {result.refused} refused" if result.refused else ""),
        f"{result.drained_s:.1f} s",
    ]


def _notes(results: Sequence[StepResult]) -> Iterator[str]:
    yield (
        "Accepted: the gateway's time, before it writes to Kafka. Applied: the worker begins the batch."
        " Pushed: it begins the transaction. Seen: another process has read the announced feed from Redis."
        " Due: the time in an open-loop schedule. Drained: from the last event's due time until its feed was"
        " seen."
    )
    yield ""
    held = [result.rate for result in results if not result.saturated]
    broken = [result.rate for result in results if result.saturated]
    if held:
        yield f"Up to {max(held):,.0f} events/s no event waited when the load ended."
    if broken:
        first = next(result for result in results if result.saturated)
        busiest = max(first.cores, key=lambda name: first.cores[name])
        yield (
            f"Saturated at {min(broken):,.0f} events/s, where {busiest} used {first.cores[busiest]:.2f} cores"
            f"; the queue was gone {first.drained_s:.1f} s after the load."
        )
    else:
        yield "No rate of these saturated it."
    yield ""
    for result in results:
        way = ", ".join(f"→ {place} {p50:.2f}" for place, p50 in way_of(result))
        yield f"- {result.rate:,.0f}/s, p50 of each part of the way, ms: {WAY[0]} {way}"
    yield ""
    for result in results:
        used = ", ".join(f"{name} {cores:.2f}" for name, cores in result.cores.items())
        yield f"- {result.rate:,.0f}/s used, in cores: {used}; sum {sum(result.cores.values()):.2f}"
