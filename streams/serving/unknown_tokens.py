"""Says in the log, once, where an encoder does not know the language of what a process reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from export.text import TextEncoder, too_much_unknown
from model.schema import F32
from streams.serving.opining import Opining

log = logging.getLogger(__name__)

TOKENS_LEAST = 1_000
"""Of fewer tokens nothing is said: a few emoji are no language."""


class WatchedEncoder:
    """Texts to the vectors that are kept of them. `said`: whether it was said. `opine`: see `Opine`; None
    where nothing reads opinions.
    """

    def __init__(self, encoder: TextEncoder, opine: Opining | None = None) -> None:
        self._encoder, self.opine, self.said = encoder, opine, False

    def __call__(self, texts: Sequence[str]) -> F32:
        vectors = self._encoder.project(texts)
        counted = self._encoder.counted
        if not self.said and counted.tokens >= TOKENS_LEAST:
            trouble = too_much_unknown(self._encoder.manifest.encoder, counted)
            if trouble:
                self.said = True
                log.warning("%s", trouble)
        return vectors
