"""The result of a demo in plain lines, and its problems."""

from __future__ import annotations

import math
from collections.abc import Iterator

from streams.demo.tally import MODEL, POPULAR, STAGES, Tally


def problems(tally: Tally, applied: int, dead_letters: int, others: int = 0) -> list[str]:
    """The problems in words; empty if there is none. `others`: accepted events that the demo did not play."""
    faults = [f"{count} requests failed: {what}" for what, count in tally.errors.items()]
    if not tally.accepted:
        faults.append("the gateway accepted no event")
    if applied != (accepted := tally.accepted + others):
        faults.append(f"{accepted:,} accepted events, but the workers applied {applied:,}")
    if dead_letters:
        faults.append(f"{dead_letters:,} dead letters; `headrace dead-letters list` shows such")
    if not tally.modelled:
        faults.append(f"no feed of arm {MODEL} came from the model")
    return faults


def lines(tally: Tally, applied: int, dead_letters: int, elapsed_s: float, others: int = 0) -> Iterator[str]:
    """The summary."""
    yield (
        f"{tally.accepted:,} events in {elapsed_s:.0f} s ({tally.reviews:,} reviews, {tally.clicks:,} clicks)"
        f"; {applied:,} applied, {dead_letters:,} dead letters, {sum(tally.errors.values()):,} errors"
    )
    if others:
        yield f"{others:,} events came from elsewhere, such as the demo application"
    for stage, (middle, high) in tally.freshness.quantiles().items():
        begin, end = STAGES[stage]
        if math.isnan(middle):
            continue  # no slate was read that an event had caused
        yield f"freshness, {begin} to {end}: p50 {middle:.1f} ms, p99 {high:.1f} ms"
    for who, name in (
        (MODEL, f"served feeds, arm {MODEL}"),
        ("popularity", "popularity on the same events"),
        (POPULAR, f"served feeds, arm {POPULAR}"),
    ):
        yield (
            f"HR@10 of {name}: {tally.hit_rate(who):.3f} ± {tally.hit_rate_error(who):.3f}"
            f" ({tally.hits[who]:,} of {tally.events_of(who):,} events)"
        )
    total = sum(tally.rungs.values())
    if total:
        shares = ", ".join(f"{rung} {count / total:.1%}" for rung, count in tally.rungs.most_common())
        yield f"rungs of the feeds of arm {MODEL} that were read: {shares}"
