"""What was shown of late: by which source, how diverse, and how evenly over the catalogue."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from streams.worker_reports.diversity import exposure
from streams.worker_reports.rates import Happened

STEP_S, STEPS = 10, 30
"""Five minutes, in steps: a step is what an older one is forgotten by."""
ITEMS_OF_STEP = 5_000
TOP = 20


class _Step:
    """What was shown in some seconds."""

    def __init__(self) -> None:
        self.seconds = 0
        self.whole = Happened()

    def take(self, happened: Happened) -> None:
        self.seconds += 1
        items, self.whole.items = self.whole.items, Counter()
        self.whole.add(
            Happened(
                sources=happened.sources,
                item_places=happened.item_places,
                entropy_lists=happened.entropy_lists,
                entropy_sum=happened.entropy_sum,
                distance_lists=happened.distance_lists,
                distance_sum=happened.distance_sum,
            )
        )
        for item, count in happened.items.items():
            if item in items or len(items) < ITEMS_OF_STEP:
                items[item] += count
        self.whole.items = items


class Exposed:
    """`take` a second of it; `told` is what pages show."""

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque([_Step()], maxlen=STEPS)
        self._catalogue = 0
        self._history: deque[dict[str, Any]] = deque(maxlen=6 * STEPS)
        self._told: dict[str, Any] = {}

    def take(self, happened: Happened, catalogue: int, now_ms: int = 0) -> None:
        """catalogue: how many items can be had; 0 where no worker says."""
        self._catalogue = catalogue or self._catalogue
        self._steps[-1].take(happened)
        self._told = {}
        if self._steps[-1].seconds >= STEP_S:
            self._history.append({"at": now_ms, **self._short(self._steps[-1].whole)})
            self._steps.append(_Step())

    def pause(self) -> None:
        """What comes next is no continuation: nobody has looked for a while."""
        self._steps = deque([_Step()], maxlen=STEPS)
        self._told = {}

    def told(self) -> dict[str, Any]:
        """Of the last five minutes, or of the `seconds` since somebody looks; `history`: of each ten
        seconds of the last half hour.
        """
        if not self._told:
            whole = Happened()
            for step in self._steps:
                whole.add(step.whole)
            self._told = {
                **self._short(whole),
                "seconds": sum(step.seconds for step in self._steps),
                "catalogue": self._catalogue,
                "shown_items": len(whole.items),
                "item_places": whole.item_places,
                "items": [
                    {"item": item, "share": count / whole.item_places}
                    for item, count in whole.items.most_common(TOP)
                ],
                "history": list(self._history),
            }
        return self._told

    def _short(self, whole: Happened) -> dict[str, Any]:
        places = whole.sources.total()
        spread = exposure(list(whole.items.values()), self._catalogue)
        return {
            "sources": {name: count / places for name, count in whole.sources.most_common()},
            "entropy": whole.entropy_sum / whole.entropy_lists if whole.entropy_lists else None,
            "distance": whole.distance_sum / whole.distance_lists if whole.distance_lists else None,
            "gini": None if spread is None else spread.gini,
            "top_share": None if spread is None else spread.top_share,
            "coverage": None if spread is None else spread.coverage,
        }
