"""The console's pages, in the order in which its navigation lists them: a page is one line here."""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "/console"


class Page(NamedTuple):
    """`name`: of its template (`console/NAME.html`) and of its title (`console.NAME.title`)."""

    name: str
    path: str


NAVIGATION: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "console.group.now",
        (
            Page("overview", "/"),
            Page("servers", "/servers"),
            Page("exposure", "/exposure"),
        ),
    ),
    (
        "console.group.learning",
        (Page("experiments", "/experiments"), Page("learner", "/learner"), Page("models", "/models")),
    ),
    ("console.group.records", (Page("users", "/users"), Page("items", "/items"))),
    (
        "console.group.upkeep",
        (Page("dead-letters", "/dead-letters"), Page("settings", "/settings")),
    ),
)
"""Groups: the key of a group's title, and its pages. Paths are below `PREFIX`."""
