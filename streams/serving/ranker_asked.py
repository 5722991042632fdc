"""What a ranker is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from streams.ranking.given_fields import CandidateFields
from streams.ranking.request import NO_FILTER, ItemFilter, RankRequest
from streams.ranking.score_parts import PlacedScores, ScorePart
from streams.ranking.slate import Slate
from streams.state.item_text import of_item


@dataclass(frozen=True, slots=True)
class GivenItem:
    """What is said of one of the caller's candidates; `title` and `text` describe it where the catalogue
    has no text of its own for it. See `CandidateFields`.
    """

    fields: CandidateFields = field(default_factory=CandidateFields)
    title: str = ""
    text: str = ""

    @property
    def as_text(self) -> str:
        """What the text encoder reads of it, by the rule for items."""
        fields = self.fields
        return of_item(self.title, fields.categories or (), fields.tags or (), self.text)

    @property
    def says_what_it_is(self) -> bool:
        """Whether it can be ranked where nothing else is known of it: then there is a text to encode."""
        return bool(self.as_text)


class Asked(msgspec.Struct, frozen=True):
    """A slate for one user, by ids. It is checked where it becomes a `RankRequest`.

    `user`: any id; nothing needs to be known of it (an anonymous visitor has the id of their session).
    `given`: what is said of some of `items`; `relevancy_weight`: see `GivenFields`.
    `session`: an id under which the user did something before they were known by name; "" for none. It counts
    as if they had done it. `items`: the candidates; None for what the sources find. `size`: places, 0 for
    `feed.size`, or for all `items`. `exclude`: items that are not to be shown. `query`: what the user
    searches for. `context`: counts as fields of the user's profile, for this slate alone.
    `not_seen_for_ms`: what was shown to the user within this time is not shown again, as far as it is
    remembered: of the last `state.pending_slates` slates. `cause`: see `RankRequest`. `arm`: "" for the one
    that experiments give the user.
    """

    user: str
    items: tuple[str, ...] | None = None
    size: int = 0
    session: str = ""
    surface: str = "feed"
    exclude: tuple[str, ...] = ()
    filter: ItemFilter = NO_FILTER
    query: str = ""
    context: Mapping[str, str] = {}
    not_seen_for_ms: int = 0
    cause: str = ""
    arm: str = ""
    given: Mapping[str, GivenItem] = {}
    relevancy_weight: float = 1.0


class Answer(NamedTuple):
    """`request`: as the core took it, None where the slate was not made here. `scores`: what the scores of
    its places were made of, or their parts. `unknown`: items that were asked for and that nobody announced or
    met. `left_out`: those that the request's own filter keeps out, or that can't be had.
    """

    slate: Slate
    request: RankRequest | None = None
    scores: PlacedScores | Sequence[ScorePart] = ()
    unknown: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def parts(self) -> Sequence[ScorePart]:
        """What the scores of the places are the sum of; nothing where that is not known."""
        return self.scores.parts() if isinstance(self.scores, PlacedScores) else self.scores
