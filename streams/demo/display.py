"""The live page on the terminal: the events, the freshness of the feeds, and one user's feed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.demo.tally import MODEL, POPULAR, Tally
from streams.demo.watch import Place, Watch
from streams.ranking.degradation import RUNGS

REASONS = {
    "after": "often follows",
    "with": "goes with",
    "similar": "reads like",
    "popular": "popular now",
    "new": "new here",
    "for_you": "for you",
    "explored": "to learn of it",
}
ACTIVE, QUIET, GOOD, BAD = "bold cyan", "dim", "green", "bold red"
BAR_WIDTH = 24
BAR_FULL_AT = 0.4  # of HR@10


@dataclass(frozen=True)
class Status:
    """The facts besides the tally. `left`: events still to play; `applied`: the workers' own count;
    `experiment`: what it says now.
    """

    gateway: str
    model: str
    elapsed_s: float
    left: int
    applied: int
    dead_letters: int
    experiment: str
    note: str


def page(tally: Tally, watch: Watch, titles: Mapping[str, str], status: Status) -> RenderableType:
    """The whole page, for a terminal of 100 columns and 30 rows or more."""
    panels = Table.grid(expand=True, padding=(0, 1, 0, 0))
    panels.add_column(ratio=1)
    panels.add_column(ratio=1)
    panels.add_row(
        Panel(_flow(tally, status), title="events", title_align="left", border_style="blue", height=9),
        Panel(
            _freshness(tally),
            title="freshness of the latest feeds, ms",
            title_align="left",
            border_style="blue",
            height=9,
        ),
    )
    return Group(
        _header(status),
        panels,
        Panel(
            _hit_rates(tally),
            title="is the next event's item among the first ten (HR@10)",
            title_align="left",
            border_style="blue",
        ),
        Text(f" {status.experiment}", overflow="fold"),
        _feed(watch, titles),
        Text(f" {status.note}", style=QUIET, no_wrap=True, overflow="ellipsis"),
    )


def _header(status: Status) -> RenderableType:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    minutes, seconds = divmod(int(status.elapsed_s), 60)
    line.add_row(
        Text.assemble((" headrace", "bold"), f"  {status.gateway}"),
        Text(f"model {status.model}  {minutes:02d}:{seconds:02d} ", style=QUIET),
    )
    return line


def _flow(tally: Tally, status: Status) -> RenderableType:
    errors = sum(tally.errors.values())
    total = sum(tally.rungs.values())
    rungs = ", ".join(
        f"{rung} {tally.rungs[rung] / total:.0%}" for rung in (*RUNGS, "empty") if tally.rungs[rung]
    )
    table = _pairs()
    table.add_row("events/s", Text(f"{tally.rate():,.1f}", style=ACTIVE))
    table.add_row("accepted", f"{tally.accepted:,}  ({tally.reviews:,} reviews, {tally.clicks:,} clicks)")
    table.add_row("applied", f"{status.applied:,}")
    table.add_row("dead letters", _none_wanted(status.dead_letters))
    table.add_row("errors", _none_wanted(errors))
    table.add_row("rungs", rungs or "none yet")
    table.add_row("left to play", f"{status.left:,}")
    return table


def _freshness(tally: Tally) -> RenderableType:
    table = Table(box=None, expand=True, pad_edge=False, header_style=QUIET)
    table.add_column("", no_wrap=True)
    table.add_column("p50", justify="right", width=8)
    table.add_column("p99", justify="right", width=8)
    for stage, (middle, high) in tally.freshness.quantiles().items():
        total = stage == "accepted to pushed"
        table.add_row(_STAGE_NAMES[stage], _ms(middle), _ms(high), style="bold" if total else "")
    table.add_row(Text(f"over {len(tally.freshness):,} feeds", style=QUIET))
    return table


_STAGE_NAMES = {
    "accepted": "event → accepted",
    "applied": "accepted → applied",
    "pushed": "applied → pushed",
    "accepted to pushed": "accepted → pushed",
}


def _hit_rates(tally: Tally) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, who, style in ((f"arm {MODEL}", MODEL, "cyan"), (f"arm {POPULAR}", POPULAR, "white")):
        rate = tally.hit_rate(who)
        filled = min(BAR_WIDTH, round(BAR_WIDTH * rate / BAR_FULL_AT))
        table.add_row(
            name,
            Text("█" * filled, style=style) + Text("░" * (BAR_WIDTH - filled), style=QUIET),
            Text(f"{rate:.3f} ± {tally.hit_rate_error(who):.3f}", style="bold"),
            Text(f"{tally.hits[who]:,} of {tally.events_of(who):,} events", style=QUIET),
        )
    return table


def _feed(watch: Watch, titles: Mapping[str, str]) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(justify="right", width=2, style=QUIET)
    table.add_column(width=3)
    table.add_column(ratio=5, no_wrap=True, overflow="ellipsis")
    table.add_column(ratio=6, no_wrap=True, overflow="ellipsis", style=QUIET)
    for number, place in enumerate(watch.places, start=1):
        table.add_row(str(number), _moved(place), titles.get(place.item, place.item), reason(place, titles))
    for _ in range(10 - len(watch.places)):
        table.add_row("", "", "", "")
    return Panel(table, title=_act(watch, titles), title_align="left", border_style="blue", height=12)


def _act(watch: Watch, titles: Mapping[str, str]) -> Text:
    if watch.act is None:
        return Text(f"user {watch.user}: nothing yet" if watch.user else "no user yet")
    item = titles.get(watch.act.item, watch.act.item)
    did = "clicked" if watch.act.clicked or math.isnan(watch.act.rating) else "rated"
    stars = f" {'★' * round(watch.act.rating)}" if did == "rated" else ""
    arm = f" ({watch.arm})" if watch.arm else ""
    title = Text(f"user {watch.user}{arm}, event {watch.acts}: {did} {item}{stars}")
    title.truncate(88, overflow="ellipsis")
    return title


def reason(place: Place, titles: Mapping[str, str]) -> str:
    """Why an item is there, in words."""
    words = place.reason_text or REASONS.get(place.reason, place.reason)
    return f"{words} {titles.get(place.reason_item, place.reason_item)}" if place.reason_item else words


def _moved(place: Place) -> Text:
    if place.moved is None:
        return Text("new", style=GOOD)
    if place.moved == 0:
        return Text(" · ", style=QUIET)
    return (
        Text(f"▲{place.moved}", style=GOOD) if place.moved > 0 else Text(f"▼{-place.moved}", style="yellow")
    )


def _pairs() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style=QUIET, width=12)
    table.add_column(no_wrap=True, overflow="ellipsis")
    return table


def _none_wanted(count: int) -> Text:
    return Text(f"{count:,}", style=BAD if count else GOOD)


def _ms(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.1f}"
