"""Reviews to vectors and opinions, in one go: their clauses are read beside them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from export.opinions import OpinionReader, load_opinions
from export.registry import Registry
from export.text import TextEncoder
from model.errors import ModelError
from model.schema import F32
from streams.state.opinion import TOPICS_MOST, Opinion, Opinions, clauses_of, rounded_opinion

log = logging.getLogger(__name__)


class Opining:
    """See `streams.state.event_meaning.Opine`. `topics`: their names; `by`: stands for what they mean."""

    def __init__(self, encoder: TextEncoder, reader: OpinionReader) -> None:
        self._encoder, self._reader = encoder, reader
        self.topics, self.by = reader.manifest.topics, reader.manifest.identity

    def __call__(self, texts: Sequence[str], reviews: Sequence[str]) -> tuple[F32, Opinions]:
        """Vectors [n, 64] of the texts, and the opinion of each of the reviews."""
        clauses = {text: clauses_of(text) for text in reviews}
        every = list(dict.fromkeys([*texts, *(clause for its in clauses.values() for clause in its)]))
        at = {text: row for row, text in enumerate(every)}
        whole = self._encoder.encode(every)
        feelings, topics = self._reader.sentiments(whole), self._reader.topics(whole)
        opinions = {}
        for text, its in clauses.items():
            rows = [at[clause] for clause in its if topics[at[clause]] >= 0]
            aspects = tuple((int(topics[row]), float(feelings[row])) for row in rows)
            opinions[text] = rounded_opinion(Opinion(float(feelings[at[text]]), aspects, self.by))
        return self._encoder.projection(whole[[at[text] for text in texts]]), opinions


def opining(encoder: TextEncoder, registry: Registry) -> Opining | None:
    """What reads opinions by this encoder; None where the registry has nothing, or, as the log says, where it
    does not fit the encoder.
    """
    name = encoder.manifest.name
    if not registry.opinions.has(name):
        return None
    try:
        reader = load_opinions(registry.opinions.get(name), encoder)
        if len(reader.manifest.topics) > TOPICS_MOST:
            raise ModelError(f"{len(reader.manifest.topics)} topics; this build counts {TOPICS_MOST}")
    except ModelError as error:
        log.warning("reviews are not read for opinions: %s", error)
        return None
    return Opining(encoder, reader)
