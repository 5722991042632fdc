"""The console's pages, in the order in which its navigation lists them: a page is one line here."""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "/console"


class Page(NamedTuple):
    """`name`: of its template (`console/NAME.html`) and of its title (`console.NAME.title`)."""

    name: str
    path: str


NAVIGATION: tuple[tuple[str, tuple[Page, ...]], ...] = (("console.group.now", (Page("overview", "/"),)),)
"""Groups: the key of a group's title, and its pages. Paths are below `PREFIX`."""
