"""Tune a text encoder on the first part of a stream, in several ways, and judge each on later events.

Of the first part the oldest 70% train, the next 10% stop training, the last 20% judge. The trials never read
the second part of the stream: it stays for `replay`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.registry import Registry
from export.text import encoder_name, load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.early_stopping import Round
from model.errors import DataError
from model.evaluate import Estimate, hit_rate, ndcg
from model.schema import F32
from model.text_encoder import BUNDLED, SentenceEncoder, load_encoder, save_encoder
from model.text_pairs import Event, make_pairs, split
from model.text_pretraining import PretrainSettings, pretrain
from model.text_tuning import TuneSettings, tune
from model.token_table import TokenTable, encode_all, load_tokenizer
from streams.datasets.as_events import reviews_of
from streams.datasets.dataset import Dataset
from streams.offline.text_tuning.text_recall import next_item_ranks
from streams.offline.training.dataset_texts import TEXTS_FOR_PROJECTION, Say, spread

TRAINED, JUDGED_FROM = 0.7, 0.8
UNTUNED = "untuned"
NOISE = 2.0
"""A gain counts if it is at least this many of its own standard errors."""


@dataclass(frozen=True)
class TrialOptions:
    """`warm`: the first part, as a share of the events. `history`: how many recent items make a user's side.

    `max_tokens`: of a text when a trial judges it (for tuning see `TuneSettings`).
    """

    encoder: str = BUNDLED
    warm: float = 0.5
    pretrain: bool = False
    history: int = 2
    max_tokens: int = 128
    tuning: TuneSettings = field(default_factory=TuneSettings)
    pretraining: PretrainSettings = field(default_factory=PretrainSettings)


class Recall(NamedTuple):
    """Figures over the judged events; `ndcg` is of the whole list, without a cut."""

    at_10: Estimate
    at_200: Estimate
    ndcg: Estimate


class Trial(NamedTuple):
    """One way to tune. `gain`: NDCG through int8 over that of the untuned encoder, event by event.

    `folder`: holds its encoder (None: untuned). `held_out`: losses by round.
    """

    name: str
    folder: Path | None
    held_out: Sequence[float]
    fp32: Recall
    int8: Recall
    cosine: float
    neighbours_kept: float | None
    gain: Estimate


def run_trials(dataset: Dataset, options: TrialOptions, folder: Path, say: Say) -> list[Trial]:
    """Try the untuned encoder and each way to tune it; saves and exports encoders within `folder`."""
    stream = dataset.interactions
    until = int(len(stream) * options.warm)
    reviews = reviews_of(stream)
    events = [Event(*each) for each in zip(stream.user[:until], stream.item[:until], reviews, strict=False)]
    texts = {item: found.joined for item, found in dataset.items.items() if found.joined.strip()}
    trained = events[: int(until * JUDGED_FROM)]
    train, held_out = split(make_pairs(trained, texts, options.history), int(until * TRAINED))
    trained_reviews = [event.review for event in trained if event.review.strip()]
    tokenizer = load_tokenizer(options.encoder)

    def tuned(start: SentenceEncoder, stage: str) -> tuple[SentenceEncoder, list[float]]:
        return tune(start, tokenizer, train, held_out, options.tuning, _rounds_to(say, stage))

    def pretrained(start: SentenceEncoder) -> tuple[SentenceEncoder, list[float]]:
        corpus = trained_reviews or list(texts.values())
        return pretrain(start, tokenizer, corpus, options.pretraining, _rounds_to(say, "pre-training"))

    judge = _Judge(dataset, options, texts, until, folder, say)
    trials = [judge.trial(UNTUNED, load_encoder(options.encoder), [])]
    trials.append(judge.trial("tuned", *tuned(load_encoder(options.encoder), "tuning")))
    if options.pretrain:
        trials.append(judge.trial("pretrained", *pretrained(load_encoder(options.encoder))))
        start = load_encoder(str(trials[-1].folder))
        trials.append(judge.trial("both", *tuned(start, "tuning after pre-training")))
    return trials


def winner(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the largest gain through int8, if that is more than noise; else None."""
    better = [each for each in trials if each.gain.value > NOISE * each.gain.error]
    return max(better, key=lambda each: each.gain.value, default=None)


class _Judge:
    def __init__(
        self,
        dataset: Dataset,
        options: TrialOptions,
        texts: dict[str, str],
        until: int,
        folder: Path,
        say: Say,
    ) -> None:
        self.options, self.folder, self.say = options, folder, say
        self.stream, self.until, self.begin = dataset.interactions, until, int(until * JUDGED_FROM)
        reviews = reviews_of(dataset.interactions, until)
        self.reviews = {k: text for k, text in enumerate(reviews) if text.strip()}
        self.items = list(texts)
        self.texts = [*texts.values(), *self.reviews.values()]
        if not self.texts or self.begin >= until:
            raise DataError(
                "there is nothing to judge an encoder on: the first part holds no text, or no event"
            )
        self.base: NDArray[np.float64] | None = None

    def trial(self, name: str, encoder: SentenceEncoder, held_out: Sequence[float]) -> Trial:
        """Judge one encoder in fp32, then as served: exported, in int8, projected."""
        source, folder = self.options.encoder, None
        if name != UNTUNED:
            folder = self.folder / name
            source = str(folder)
            save_encoder(encoder, self.options.encoder, folder)
        self.say(f"judging {name}", 0, 2)
        tokenizer = load_tokenizer(self.options.encoder)
        exact = self._ranks(encode_all(encoder, TokenTable(self.texts, tokenizer, self.options.max_tokens)))
        self.say(f"judging {name}", 1, 2)
        registry = Registry(self.folder / "exported")
        sample = spread(self.texts, TEXTS_FOR_PROJECTION)
        now_ms = time.time_ns() // 1_000_000
        manifest = export_text_encoder(
            registry, sample, now_ms, source, self.options.max_tokens, cosine_mean=0.0
        )
        served = load_text_encoder(
            registry.text.get(encoder_name(source)), max_tokens=self.options.max_tokens
        )
        ranks = self._ranks(served.project(self.texts))
        self.say(f"judging {name}", 2, 2)
        gains = _gains(ranks)
        self.base = gains if self.base is None else self.base
        return Trial(
            name, folder, held_out, _recall(exact), _recall(ranks),
            manifest.cosine_mean, manifest.neighbours_kept, _mean(gains - self.base),
        )  # fmt: skip

    def _ranks(self, vectors: F32) -> NDArray[np.int64]:
        announced = dict(zip(self.items, vectors, strict=False))
        words = dict(zip(self.reviews, vectors[len(self.items) :], strict=True))
        return next_item_ranks(self.stream, announced, words, self.begin, self.until)


def _recall(ranks: NDArray[np.int64]) -> Recall:
    return Recall(hit_rate(ranks, 10), hit_rate(ranks, 200), ndcg(ranks, int(ranks.max(initial=1))))


def _gains(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each event adds to the NDCG of the whole list."""
    return np.where(ranks > 0, 1.0 / np.log2(np.maximum(ranks, 1) + 1), 0.0)


def _mean(values: NDArray[np.float64]) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))))


def _rounds_to(say: Say, stage: str) -> Callable[[Round], None]:
    """A report of rounds: one line of progress for each."""

    def report(progress: Round) -> None:
        if math.isnan(progress.held_out):
            say(f"{stage}, round {progress.round + 1}", progress.step, progress.steps)

    return report
