"""Builds the examples of a stream in one pass of one process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from streams.building.shards_of import build_stretch
from streams.building.stretch import Stretch
from streams.dataset_texts import Say
from streams.replay.driver import Prequential


def build_here(run: Prequential, plan: Sequence[Stretch], folder: Path, say: Say) -> int:
    """Shards of all stretches of `plan`, which follow each other, in `folder`; how many examples."""
    until = plan[-1].end
    run.warm(plan[0].begin, None, 0, lambda done: say("learning", done, plan[0].begin))
    return sum(
        build_stretch(run, stretch, folder, lambda done: say("building examples", done, until))
        for stretch in plan
    )
