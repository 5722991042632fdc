"""What may be asked of a feed, as query parameters or as a body."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from streams.events.schema import Id, Short
from streams.gateway.ranking.filtered import Filtered
from streams.serving.ranker_asked import Asked

PLACES_MAX = 200
TEN_YEARS_S = 10 * 365 * 86_400


class FeedBody(Filtered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A feed, ranked now. `exclude`: ids of items that are not to be shown. `categories`: of which an item
    has one; `tags`: of which it has all; `price_from`, `price_to`: bounds, both included. `available`: false
    shows withdrawn items too. `attributes`: an expression, such as `colour:red and not size:S`. `surface`:
    where it is shown. `session`: an id under which the user acted before they were known by name. `context`:
    counts as fields of the user's profile, for this feed alone. `not_seen_for`: what was shown within so many
    seconds is not shown again, as far as it is remembered. `explain`: with what each score is the sum of.
    `arm`: what this arm would show, in place of the user's own; nothing of it counts as shown. `cursor`: of
    the answer before this page; it goes with `n`, `explain` and `impression` alone.
    """

    n: Annotated[int, Meta(ge=1, le=PLACES_MAX)] | None = None
    impression: bool = True
    surface: Short = "feed"
    session: Id | None = None
    context: Annotated[dict[Short, Short], Meta(max_length=32)] = field(default_factory=dict)
    not_seen_for: Annotated[int, Meta(ge=0, le=TEN_YEARS_S)] = 0
    explain: bool = False
    arm: Short = ""
    cursor: Annotated[str, Meta(max_length=64)] = ""

    @property
    def plain(self) -> bool:
        """Whether the stored feed is what is asked for."""
        return self == FeedBody(n=self.n, impression=self.impression)

    @property
    def a_page(self) -> bool:
        """Whether all it asks besides a cursor is what goes with one."""
        alone = FeedBody(n=self.n, impression=self.impression, explain=self.explain, cursor=self.cursor)
        return self == alone

    def asked(self, user: str, places: int, cause: str) -> Asked:
        """For a slate of so many places."""
        return Asked(
            user=user,
            size=places,
            session=self.session or "",
            surface=self.surface,
            exclude=tuple(self.exclude),
            filter=self.filter(),
            context=self.context,
            not_seen_for_ms=1_000 * self.not_seen_for,
            cause=cause,
            arm=self.arm,
        )
