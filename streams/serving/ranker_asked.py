"""What a ranker is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.ranking.request import NO_FILTER, ItemFilter
from streams.ranking.slate import Slate


@dataclass(frozen=True, slots=True)
class Asked:
    """A slate for one user, by ids. It is checked where it becomes a `RankRequest`.

    `user`: any id; nothing needs to be known of it (an anonymous visitor has the id of their session).
    `items`: the candidates; None for what the sources find. `size`: places, 0 for `feed.size`, or for all
    `items`. `exclude`: items that are not to be shown. `query`: what the user searches for. `context`: counts
    as fields of the user's profile, for this slate alone. `cause`: see `RankRequest`. `arm`: "" for the one
    that experiments give the user.
    """

    user: str
    items: tuple[str, ...] | None = None
    size: int = 0
    surface: str = "feed"
    exclude: tuple[str, ...] = ()
    filter: ItemFilter = NO_FILTER
    query: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""
    arm: str = ""


class Answer(NamedTuple):
    """`unknown`: items that were asked for and that nobody announced or met. `left_out`: those that the
    request's own filter keeps out, or that can't be had.
    """

    slate: Slate
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
