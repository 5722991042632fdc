"""A drift that is planted, to see who notices: from one list on, each stands in the reverse order.

The clicks stay. So whatever was learned of places is wrong from there on.
"""

from __future__ import annotations

from dataclasses import replace

from streams.datasets.impressions import Shown
from streams.datasets.interactions import Interactions


def reversed_from(stream: Interactions, event: int) -> Interactions:
    """The stream in which the lists before `event` and later ones are reversed."""
    assert stream.shown is not None
    shown = [
        slates if k < event else tuple(map(reversed_list, slates)) for k, slates in enumerate(stream.shown)
    ]
    return replace(stream, shown=shown)


def reversed_list(slate: Shown) -> Shown:
    """The last place becomes the first; each item keeps its numbers."""
    return slate._replace(items=slate.items[::-1], told=slate.told[::-1])
