"""What the routes take that are ranked on request."""

from __future__ import annotations

import math
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.events.schema import Finite, Id, Position, Short, Text
from streams.ranking.given_fields import CandidateFields
from streams.ranking.request import NO_FILTER, ItemFilter
from streams.serving.ranker_asked import GivenItem as Given

Price = Annotated[float, Meta(ge=0, le=1e12)]
Place = Annotated[int, Meta(ge=1, le=10_000)]


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which items may be shown. `categories`: in one of them; `tags`: with all of them; `attributes`: with
    each of these values; a price from `price_from` to `price_to`. `available`: false takes withdrawn ones
    too.
    """

    categories: Annotated[list[Short], Meta(max_length=64)] = []
    tags: Annotated[list[Short], Meta(max_length=64)] = []
    attributes: Annotated[dict[Short, Short], Meta(max_length=32)] = {}
    price_from: Price | None = None
    price_to: Price | None = None
    available: bool = True

    def as_filter(self) -> ItemFilter:
        """As the pipeline takes it."""
        if self is UNFILTERED:
            return NO_FILTER
        asked = ItemFilter(
            tuple(self.categories), tuple(self.tags), dict(self.attributes), self.price_from, self.price_to,
            self.available,
        )  # fmt: skip
        return NO_FILTER if asked == NO_FILTER else asked


UNFILTERED = Filter()


class GivenItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A candidate, and what counts of it in this request alone. `price`, `available`, `categories`, `tags`,
    `attributes`: stand for what the catalogue has. `title`, `text`: describe an item that nobody
    has announced or met. `boost`: is added to the score. `relevancy`: how good you hold it, on a scale of
    your own; or `position`: its place in your own list, from 0.
    """

    item_id: Id
    price: Price | None = None
    available: bool | None = None
    categories: Annotated[list[Short], Meta(max_length=64)] | None = None
    tags: Annotated[list[Short], Meta(max_length=64)] | None = None
    attributes: Annotated[dict[Short, Short], Meta(max_length=32)] | None = None
    title: Short = ""
    text: Text = ""
    boost: Annotated[float, Meta(ge=-100, le=100)] = 0.0
    relevancy: Finite | None = None
    position: Position | None = None

    @property
    def says_more(self) -> bool:
        """Whether it is more than an id."""
        return self != GivenItem(item_id=self.item_id)

    @property
    def letters(self) -> int:
        """How many characters it says, but for its title and text."""
        pairs = (self.attributes or {}).items()
        return sum(
            map(
                len,
                [*(self.categories or ()), *(self.tags or ()), *(each for pair in pairs for each in pair)],
            )
        )

    def as_given(self) -> Given:
        """As a ranker takes it. A position counts as its discount (Järvelin, Kekäläinen, TOIS 2002)."""
        relevancy = self.relevancy
        if self.position is not None:
            relevancy = 1.0 / math.log2(self.position + 2.0)
        return Given(
            CandidateFields(
                self.price, self.available, _tuple(self.categories), _tuple(self.tags), self.attributes,
                self.boost, relevancy,
            ),
            self.title,
            self.text,
        )  # fmt: skip


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


class RankBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Candidates, and for whom. `user_id`, or `session` for someone who is not known by name: both are ids
    that events carry. With both, what was done in the session counts as the user's. `n`: how many places; all
    where it is left out. `context`: counts as fields of the user's profile, for this request alone.
    `surface`: where it is shown. `query`: what the user searches for. `impression`: false for what is not
    shown. `explain`: with what each score is the sum of. `relevancy_weight`: what a standard deviation of
    `relevancy` (or of `position`) adds to a score.
    """

    items: Annotated[list[Id | GivenItem], Meta(min_length=1)]
    user_id: Id | None = None
    session: Id | None = None
    n: Place | None = None
    context: Annotated[dict[Short, Short], Meta(max_length=32)] = {}
    surface: Short = "feed"
    filter: Filter = UNFILTERED
    exclude: Annotated[list[Id], Meta(max_length=1_000)] = []
    query: Short = ""
    impression: bool = True
    explain: bool = False
    relevancy_weight: Annotated[float, Meta(ge=-100, le=100)] = 1.0
