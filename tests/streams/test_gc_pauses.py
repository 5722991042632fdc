"""What a full collection need not look at."""

from __future__ import annotations

import gc
import weakref

from streams import gc_pauses
from streams.recommender import Recommender
from streams.settings.tree import Settings


def test_what_is_there_is_left_out_and_still_goes() -> None:
    """A recommender that a rebuild replaces must not stay in memory: it is in no cycle."""
    recommender = Recommender(Settings())
    parts = [weakref.ref(part) for part in (recommender, recommender.pipeline, recommender.counters)]
    gc_pauses.freeze()
    try:
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
        del recommender
        assert [part() for part in parts] == [None] * 3
    finally:
        gc.unfreeze()
