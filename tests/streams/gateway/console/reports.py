"""Reports of workers, as tests of the console write them."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.worker_reports.report import BOUNDS_MS, VERSION, Report, Shown, bucket_of


def report(worker: str = "host:1", at_ms: int = 1_000, **given: Any) -> Report:
    """One that is ready; `given` in place of what is usual."""
    return msgspec.structs.replace(Report(VERSION, worker, 500, at_ms, True), **given)


def grown(before: Report, slates: int, took_ms: float = 8.0, **given: Any) -> Report:
    """The next report, a second later: it made so many slates, each in `took_ms`."""
    counts = list(before.stages.get("whole", [0] * (len(BOUNDS_MS) + 1)))
    counts[bucket_of(took_ms)] += slates
    applied, skipped, letters = before.events.get("clicks", (0, 0, 0))
    shown = before.shown
    told: dict[str, Any] = {
        "at_ms": before.at_ms + 1_000,
        "events": {"clicks": (applied + slates, skipped, letters)},
        "stages": {"whole": counts},
        "rungs": {"full": before.rungs.get("full", 0) + slates},
        "shown": Shown(slates=shown.slates + slates, sources={"nearest": 20 * (shown.slates + slates)}),
    }
    return msgspec.structs.replace(before, **told | given)
