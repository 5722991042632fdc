"""A steady clock for the stream: as many events a second as the demo plays live.

ml-100k took seven months; the demo plays its second half in minutes. Rates of decay, gaps and ages mean the
same in training and live only if the first half runs at the pace of the second.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from streams.datasets.interactions import Interactions


def at_steady_pace(stream: Interactions, until: int, rate: float, now_ms: int) -> Interactions:
    """The stream at `rate` events a second, so that event `until` is due at `now_ms`."""
    ts_ms = now_ms + np.round((np.arange(len(stream)) - until) * (1_000.0 / rate)).astype(np.int64)
    return replace(stream, ts_ms=ts_ms)
