"""One slate in the making: what a batch holds of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.schema import F32
from streams.ranking.request import RankRequest
from streams.ranking.slate import Reason
from streams.state.user_state import UserState

if TYPE_CHECKING:
    from streams.ranking.rank_batch import RankBatch


class Draft:
    """A view of request `number` in `batch`: K candidates for one user. See `RankBatch` for the fields."""

    def __init__(self, batch: RankBatch, number: int) -> None:
        self.batch, self.number = batch, number
        self._part = batch.part(number)

    @property
    def request(self) -> RankRequest:
        """What was asked for."""
        return self.batch.requests[self.number]

    @property
    def state(self) -> UserState:
        """The user."""
        return self.request.state

    @property
    def now_ms(self) -> int:
        """The moment."""
        return self.request.now_ms

    @property
    def history(self) -> NDArray[np.int32]:
        """Rows of the user's last items, newest first."""
        return self.state.items[::-1].copy()

    @property
    def rows(self) -> NDArray[np.int32]:
        """The candidates, the pool's best first: [K]."""
        return self.batch.rows[self._part]

    @property
    def placed(self) -> int:
        """How many candidates may have a place; behind them stand those that were only asked for."""
        return len(self.rows) - len(self.request.score_also)

    @property
    def ranks(self) -> NDArray[np.int32]:
        """[K, sources]."""
        return self.batch.ranks[self._part]

    @property
    def origin(self) -> NDArray[np.int8]:
        """[K]."""
        return self.batch.origin[self._part]

    @property
    def features(self) -> F32:
        """[K, F]; empty where no model was asked."""
        if not self.batch.featured[self.number]:
            return np.empty((0, 0), np.float32)
        return self.batch.features[self._part]

    @property
    def click(self) -> F32:
        """[K]."""
        return self.batch.click[self._part]

    @property
    def rating(self) -> F32:
        """[K]."""
        return self.batch.rating[self._part]

    @property
    def more(self) -> dict[str, F32]:
        """The further tasks of the request's model by name: [K] each."""
        parts = {name: values[self._part] for name, values in self.batch.more.items()}
        return {name: values for name, values in parts.items() if not np.isnan(values).all()}

    @property
    def heads(self) -> F32:
        """[K, H]: see `streams.ranking.heads`."""
        return self.batch.heads[:, self._part].T

    @property
    def score(self) -> F32:
        """[K]."""
        return self.batch.score[self._part]

    @property
    def adapted(self) -> bool:
        """Whether what was learned from answers is in its score."""
        return bool(self.batch.adapted[self.number])

    @property
    def tried(self) -> bool:
        """Whether its slate is drafted of the frozen and the adapted order."""
        return self.number in self.batch.tried

    @property
    def order(self) -> NDArray[np.intp]:
        """The places as indices into `rows`, best first."""
        return self.batch.order[self.number]

    @property
    def propensities(self) -> F32 | None:
        """Of the places (see `streams.ranking.rerankers.drawn`); None where the best come first for sure."""
        return self.batch.propensities[self.number]

    @property
    def reasons(self) -> list[Reason] | None:
        """Of the places; None where none were asked for."""
        return self.batch.reasons[self.number]

    @property
    def model(self) -> str:
        """The name of the model that scores it; "" for none."""
        model = self.batch.models[self.number]
        return "" if model is None else model.name
