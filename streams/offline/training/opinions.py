"""From a dataset's reviews to `registry/opinions/`: a head for sentiment where there are stars, and topics.

The head learns from the first four fifths of the reviews and is judged on the rest, as it is served: by the
int8 encoder and in float32. It is not kept where it tells too little.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.manifest import versions_of
from export.opinions import OpinionArrays, OpinionManifest, probes_of, save_opinions, sentiments
from export.registry import Registry
from export.text import TextEncoder
from model.errors import ModelError
from model.schema import F32
from streams.datasets.as_events import reviews_of
from streams.datasets.dataset import Dataset
from streams.offline.training.dataset_texts import TEXTS_AT_A_TIME, Say, spread
from streams.offline.training.opinion_head import LEARNED, Bool, auc, auc_error, judged
from streams.offline.training.opinion_topics import found_topics, names_of
from streams.search.analysis import is_word, terms
from streams.search.languages import FUNCTION_WORDS
from streams.state.opinion import clauses_of

log = logging.getLogger(__name__)

LEAST_LEARNED, LEAST_JUDGED = 40, 10
"""Reviews that praise, and as many that blame, without which nothing is learned or judged."""
MOST_REVIEWS, MOST_CLAUSES = 8_000, 12_000
AUC_LEAST = 0.75
TOPICS = 32
NEUTRAL = 3.0
PROBES = (
    "Excellent, I am very happy with it.",
    "It broke after two days. I want my money back.",
    "质量很好，非常满意。",
    "太差了，用了两天就坏了。",
)
PACKAGES = ("headrace", "numpy", "onnxruntime", "scipy")
_FUNCTION_WORDS = frozenset().union(*FUNCTION_WORDS.values())


def opinions_of(
    dataset: Dataset, until: int, encoder: TextEncoder, registry: Registry, seed: int, say: Say
) -> OpinionManifest | None:
    """Train and register what reads opinions from this encoder's vectors, unless the registry has it already.
    None where it has, or where the reviews up to event `until` teach too little: the log says so.
    """
    name, stream = encoder.manifest.name, dataset.interactions
    if registry.opinions.has(name) or stream.text is None:
        return None
    texts = reviews_of(stream, until)
    rated = [k for k, text in enumerate(texts) if text.strip() and abs(stream.rating[k] - NEUTRAL) >= 1.0]
    rows = np.array(spread_by(rated, stream.rating > NEUTRAL), np.int64)
    praises: Bool = stream.rating[rows] > NEUTRAL
    learned = int(len(rows) * LEARNED)
    if not _enough(praises[:learned], LEAST_LEARNED) or not _enough(praises[learned:], LEAST_JUDGED):
        return None
    vectors = _encoded([texts[k] for k in rows], encoder, "reading reviews for opinions", say)
    head, _ = judged(vectors.astype(np.float64), praises, learned)
    served = head.astype(np.float32)
    values = sentiments(served, vectors[learned:])
    exact = auc(values, praises[learned:])
    if exact < AUC_LEAST:
        log.warning(
            "sentiment of reviews is not kept: AUC %.3f on later reviews, expected %.2f", exact, AUC_LEAST
        )
        return None
    clauses = spread([each for k in rows[:learned] for each in clauses_of(texts[k])], MOST_CLAUSES)
    said = _encoded(clauses, encoder, "finding topics of reviews", say)
    topics = found_topics(said, TOPICS, seed)
    names = names_of(clauses, topics.of, len(topics.vectors), words_of)
    named = [k for k, its in enumerate(names) if its]
    arrays = OpinionArrays(served, topics.vectors[named], topics.centre, topics.least[named])
    manifest = OpinionManifest(
        name=name,
        created_ms=time.time_ns() // 1_000_000,
        encoder=encoder.manifest.reference,
        dim=encoder.dim,
        files={},
        topics=tuple(names[k] for k in named),
        auc=round(exact, 4),
        auc_error=round(auc_error(values, praises[learned:]), 4),
        learned=learned,
        held_out=len(rows) - learned,
        probes=probes_of(PROBES, served, encoder),
        versions=versions_of(PACKAGES),
    )
    log.info("reviews are read for opinions: AUC %.3f, %d topics", manifest.auc, len(manifest.topics))
    try:
        with registry.opinions.adding(name) as folder:
            return save_opinions(folder, arrays, manifest)
    except ModelError:
        if not registry.opinions.has(name):  # another process may have been faster
            raise
        return None


def spread_by(rows: Sequence[int], praises: NDArray[np.bool_]) -> list[int]:
    """At most `MOST_REVIEWS` of them in their order, no more of either kind than half of that where the
    other kind has as many.
    """
    good, bad = [k for k in rows if praises[k]], [k for k in rows if not praises[k]]
    most_bad = max(MOST_REVIEWS // 2, MOST_REVIEWS - len(good))
    bad = _thinned(bad, most_bad)
    return sorted([*_thinned(good, MOST_REVIEWS - len(bad)), *bad])


def _thinned(rows: Sequence[int], most: int) -> list[int]:
    if len(rows) <= most:
        return list(rows)
    return [rows[int(at)] for at in np.linspace(0, len(rows) - 1, most)]


def words_of(clause: str) -> list[str]:
    """The words of a clause by which a topic may be named; of a script without spaces, its pairs."""
    found = []
    for term in terms(clause):
        unspaced = not term.isascii() and not is_word(term)
        if (unspaced and len(term) > 1 and term.isalpha()) or (
            is_word(term) and len(term) > 2 and term not in _FUNCTION_WORDS
        ):
            found.append(term)
    return found


def _enough(praises: Bool, least: int) -> bool:
    return bool(least <= praises.sum() <= len(praises) - least)


def _encoded(texts: Sequence[str], encoder: TextEncoder, stage: str, say: Say) -> F32:
    parts = []
    for begin in range(0, len(texts), TEXTS_AT_A_TIME):
        parts.append(encoder.encode(texts[begin : begin + TEXTS_AT_A_TIME]))
        say(stage, begin + len(parts[-1]), len(texts))
    return np.concatenate(parts)
