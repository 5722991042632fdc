"""Edge lists of graph collections; their comment lines name the columns."""

from __future__ import annotations

import re
from typing import NamedTuple

# https://networkrepository.com and http://konect.cc/help: "% bip weighted", then "% edges left right".
_KONECT = re.compile(r"%\s*(sym|asym|bip)\s+\w+")
KONECT_COLUMNS = ("user", "item", "rating", "timestamp")


class EdgeList(NamedTuple):
    """`columns`: their names, for a file of this many columns; `hint`: what to do if one is missing."""

    kind: str
    columns: tuple[str, ...]
    hint: str


def is_konect(comments: tuple[str, ...]) -> bool:
    """Whether the comment lines are KONECT's; spaces and tabs, also mixed, separate its columns."""
    return bool(comments) and _KONECT.match(comments[0]) is not None


def edge_list(comments: tuple[str, ...], width: int) -> EdgeList | None:
    """The edge list that the comment lines before a table describe, None if they describe none.

    >>> edge_list(("% bip weighted", "% 10 3 4"), 4).columns
    ('user', 'item', 'rating', 'timestamp')
    >>> edge_list(("# Nodes: 5 Edges: 9", "# FromNodeId\\tToNodeId"), 2).columns
    ('FromNodeId', 'ToNodeId')
    """
    no_time = "an edge list without times says nothing of the order in which things happened: "
    if is_konect(comments):
        columns = KONECT_COLUMNS[:width] + tuple(str(k + 1) for k in range(len(KONECT_COLUMNS), width))
        return EdgeList("KONECT edge list", columns, no_time + "take a network of KONECT with timestamps")
    names = re.split(r"[\t,;| ]+", comments[-1].lstrip("#% ")) if comments else []
    if len(names) == width and all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names):
        hint = no_time + "take one of SNAP's temporal networks, or add a column of times"
        return EdgeList("names of the columns from the last comment line", tuple(names), hint)
    return None
