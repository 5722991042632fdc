"""Experiments' sums as a plain reading of the rules says, from events as they are on the wire: no code of the
project, no order, nothing incremental.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

DAY_MS = 86_400_000
Event = Mapping[str, Any]
Numbers = dict[tuple[str, str], list[int]]
"""By arm and metric: users, then the sums of x, y, x before, y before, then of their products."""

CAPS = {"conversion": (1, 1), "return_7_days": (1, 1), "rating": (100_000, 2_000)}
MOST = (100_000, 100_000)


def recomputed(
    events: Iterable[Event],
    experiment: str,
    arms: Collection[str],
    metrics: Iterable[str],
    begins_ms: int = 0,
    ends_ms: int = 2**62,
    window_ms: int | None = None,
    before_ms: int = 14 * DAY_MS,
) -> Numbers:
    """Of each metric; `crossed_over` counts users who saw two arms. Behind ~ stands a period of an arm."""
    by_user: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in events:
        if event["type"] in ("click", "review", "impression"):
            by_user[event["user_id"]].setdefault(event["event_id"], event)
    found: Numbers = defaultdict(lambda: [0] * 15)
    for user in by_user.values():
        own = sorted(user.values(), key=lambda each: int(each["ts"]))
        seen = []
        for each in own:
            if each["type"] == "impression" and begins_ms <= each["ts"] < ends_ms:
                named = dict(part.split("=") for part in each.get("arm", "").split(",") if "=" in part)
                if named.get(experiment) in arms:
                    seen.append((each["ts"], named[experiment]))
        if not seen:
            continue
        exposed_ms, arm = min(seen)
        until_ms = ends_ms if window_ms is None else min(ends_ms, exposed_ms + window_ms)
        since = [each for each in own if exposed_ms <= each["ts"] < until_ms]
        before = [each for each in own if exposed_ms - before_ms <= each["ts"] < exposed_ms]
        if len({name.partition("~")[0] for _, name in seen}) > 1:
            found[arm, "crossed_over"][0] += 1
        for metric in metrics:
            x_most, y_most = CAPS.get(metric, MOST)
            (x, y), (x_before, y_before) = (
                values_of(metric, part, since_ms) for part, since_ms in ((since, exposed_ms), (before, None))
            )
            values = (min(x, x_most), min(y, y_most), min(x_before, x_most), min(y_before, y_most))
            numbers = found[arm, metric]
            numbers[0] += 1
            for at, value in enumerate(values):
                numbers[1 + at] += value
            products = [values[i] * values[j] for i in range(4) for j in range(i, 4)]
            for at, product in enumerate(products):
                numbers[5 + at] += product
    return dict(found)


def values_of(metric: str, events: list[Event], exposed_ms: int | None) -> tuple[int, int]:
    """A user's numerator and denominator, in units."""
    clicks = [each for each in events if each["type"] == "click"]
    reviews = [each for each in events if each["type"] == "review"]
    shown = [each for each in events if each["type"] == "impression"]
    places = sum(len(each["items"]) for each in shown)

    def count(*actions: str) -> int:
        return sum(each.get("action", "click") in actions for each in clicks)

    def cents(action: str) -> int:
        told = [each.get("value") for each in clicks if each.get("action", "click") == action]
        return sum(round(100 * value) for value in told if value is not None)

    sessions = sessions_of([each["ts"] for each in events])
    match metric:
        case "click_through":
            return count("click"), places
        case "conversion":
            return count("purchase"), 1
        case "revenue":
            return cents("purchase"), 1
        case "dwell":
            return (2 * cents("play") + 100) // 200, 1
        case "dislikes":
            return count("dislike", "skip", "hide", "report"), places
        case "rating":
            stars = [round(100 * each["rating"]) for each in reviews if each.get("rating") is not None]
            return (2 * sum(stars) + 10) // 20, len(stars)
        case "sessions":
            return len(sessions), 1
        case "session_length":
            return sum(end // 6_000 - begin // 6_000 for begin, end in sessions), len(sessions)
        case "return_7_days":
            if exposed_ms is None:
                return 0, 1
            return sum(begin - exposed_ms <= 7 * DAY_MS for begin, _ in sessions[1:]), 1
    raise AssertionError(metric)


def sessions_of(times: list[int]) -> list[tuple[int, int]]:
    """When each session begins and ends."""
    found: list[tuple[int, int]] = []
    for ts in sorted(times):
        if found and ts - found[-1][1] <= 30 * 60_000:
            found[-1] = found[-1][0], ts
        else:
            found.append((ts, ts))
    return found
