"""What a slate is asked for with: everything that may differ from one request to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.attribute_expression import Expression
from streams.ranking.degradation import Rung
from streams.ranking.given_fields import GivenFields
from streams.ranking.stage_plan import StagePlan
from streams.settings.tree import DEFAULT_ARM
from streams.state.user_state import UserState


class Search(NamedTuple):
    """What the user searches for: the text, and its vector float32 [text_dim]."""

    text: str
    vector: F32


def search_by(vector: F32 | None) -> Search | None:
    """A search of which the vector alone is known; None for none."""
    return None if vector is None else Search("", vector)


class Suiting(NamedTuple):
    """Candidates by row, ascending: how well each suits what is asked, float32 [n]. net: what a standard
    deviation of the model's score counts beside it.
    """

    rows: NDArray[np.int32]
    score: F32
    net: float


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items may be shown. Empty fields ask for nothing.

    `categories`: an item must be in one of them, or below one whose name is a path. `tags`: it must have all
    of them. `attributes`: it must have each of these values; `expression`: what else it must have
    (`attribute_expression`). `price_from`, `price_to`: bounds, both included; an item without a price is
    outside of any. `available`: False takes items too that can't be had now.
    """

    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    price_from: float | None = None
    price_to: float | None = None
    available: bool = True
    expression: Expression | None = None


NO_FILTER = ItemFilter()


class Opponent(NamedTuple):
    """Another way to make the same slate: its stage settings, and the model that scores; "" for the active
    one.
    """

    plan: StagePlan
    model: str


class RankRequest(msgspec.Struct, frozen=True, gc=False):
    """One user, one moment, and how their slate is to be made. `Recommender.request` checks what callers ask.

    `plan`: the stage settings, of the arm and of a rung. `rung`: what the ladder allows, which a slate is
    told to be of; the plan may do less, where no model is in service or the model has failed. `model`: the
    one that scores; "" for the active one. `cause`: the id of the event or call that asks. `size`: of the
    slate; 0 for `feed.size`; `pool` and `per_source` are at least that. `candidates`: the rows, each once,
    that are the pool; None for what the sources bring. Then what the user met does not keep a row out, and
    nothing fills the pool up; where a source finds a row too, it has its rank there. `exclude`: rows that may
    not be shown. `score_also`: rows that are scored in any case and never placed, for evaluation and
    training. `complete`: where the sources bring less than a slate, whatever else may be shown fills it up.
    `explain`: places get reasons. `against`: the slate is drafted of the order of `plan` and of this one:
    `Recommender.recommend` makes both (`streams.ranking.interleaving`). `suiting`: how well each candidate
    suits a query, where that counts beside the model's score. `trial`: what is shown of this slate will be
    answered, so it may be drafted of the frozen and the adapted order, for the guard to see which is better
    (`streams.ranking.rerankers.trial`). `given`: what the request says of its own candidates. Those that the
    catalogue lacks have rows below 0 in `candidates`.
    """

    state: UserState
    now_ms: int
    plan: StagePlan
    rung: Rung = "full"
    user: str = ""
    cause: str = ""
    arm: str = DEFAULT_ARM
    model: str = ""
    search: Search | None = None
    size: int = 0
    surface: str = "feed"
    candidates: tuple[int, ...] | None = None
    exclude: tuple[int, ...] = ()
    score_also: tuple[int, ...] = ()
    filter: ItemFilter = NO_FILTER
    complete: bool = True
    explain: bool = True
    against: Opponent | None = None
    suiting: Suiting | None = None
    trial: bool = False
    given: GivenFields | None = None

    @property
    def occasion(self) -> str:
        """What the request is known by, however its slate is made: what is drawn for it is drawn by this."""
        return f"{self.now_ms}|{self.cause}|{self.user}"

    @property
    def places(self) -> int:
        """How many places the slate has, where there is so much to show."""
        return self.size or self.plan.settings.feed.size
