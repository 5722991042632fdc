"""Which users share a mixture of their own: those of one surface, of one value of a profile field, or those
who did about as much.

The surface is known when a slate is shown; what is known of the user goes with the slate from when it is made
(`KeptSlate.segment`), so that its lesson is of the segment that was served.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.state.user_state import UserState

SURFACE, ACTIVITY, PROFILE = "surface", "activity", "profile."
BANDS = ((5, "few"), (50, "some"))
"""Users with fewer events than this; the others are "many"."""
VALUE_CHARS = 64
"""Of a profile's value: what begins alike is taken for one."""


class Segments:
    """`by`: "surface", "activity", or a field of the profile, as "country" or "profile.country"."""

    def __init__(self, by: Sequence[str]) -> None:
        self._with_surface = SURFACE in by
        self._of_user = [each for each in by if each != SURFACE]

    def of_user(self, state: UserState) -> str:
        """What is known of the user, as in "country=DE, activity=few"; "" where nothing is asked for. Who
        says nothing of a field is of one segment with all who don't.
        """
        if not self._of_user:
            return ""
        return ", ".join(f"{each.removeprefix(PROFILE)}={_value(each, state)}" for each in self._of_user)

    def name(self, surface: str, of_user: str) -> str:
        """The segment of a request or a lesson.

        >>> Segments(["surface"]).name("home", ""), Segments(["country"]).name("home", "country=DE")
        ('home', 'country=DE')
        >>> Segments(["country", "surface"]).name("home", "country=DE")
        'home, country=DE'
        """
        parts = (surface if self._with_surface else "", of_user if self._of_user else "")
        return ", ".join(part for part in parts if part)


def _value(by: str, state: UserState) -> str:
    if by == ACTIVITY:
        return next((band for below, band in BANDS if state.interactions < below), "many")
    return state.profile.get(by.removeprefix(PROFILE), "")[:VALUE_CHARS]
