"""What a candidate source is."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streams.ranking.candidates.context import SourceContext


class Source(Protocol):
    """Brings at most `context.limit` rows that are not blocked: int32 [n], best first, each once."""

    name: str

    def find(self, context: SourceContext) -> NDArray[np.int32]: ...
