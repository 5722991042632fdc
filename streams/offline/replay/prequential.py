"""Prequential replay: every event of the second part is predicted, then learned, by the core that serves.

The true item is ranked among all items that may be recommended to the user: those not met, or met by actions
that let an item come back (`feed.repeat`). One that no source brought counts as a miss.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
import numpy as np

from model.errors import DataError
from model.reliability import click_shares
from streams.datasets.dataset import Dataset
from streams.learning.experts.adaptive_learner import LearnerReport
from streams.offline.replay.asked import Answering
from streams.offline.replay.compared import Compared
from streams.offline.replay.options import Progress, ReplayOptions
from streams.offline.replay.preparation import rank_with, ready
from streams.offline.replay.result import Prediction, ReplayResult, Shares, columns_of, joined
from streams.offline.replay.slates import SlateFile
from streams.offline.replay.summary import MODEL
from streams.offline.stream_driver import Prequential
from streams.offline.training.half_lives import adapted
from streams.ranking.draft import Draft
from streams.settings.tree import Settings

WARM = "warm and train"  # reported by itself: the other stages are those of the predicted part


def prediction_of(run: Prequential, draft: Draft, row: int, baseline_ranks: Sequence[int]) -> Prediction:
    """What the prediction of the next event came to."""
    k, events = run.at, run.stream.interactions
    state = run.state(events.user[k])
    found = np.flatnonzero(draft.rows[: draft.placed] == row)
    known = row >= 0
    at = int(found[0]) if len(found) else len(draft.rows) - 1
    ratings = run.recommender.expected_ratings(draft)
    popularity = run.recommender.counters.popularity
    return Prediction(
        ts_ms=int(events.ts_ms[k]),
        user_history=state.interactions,
        item_events=int(popularity.events[row]) if known else 0,
        ranked=known and not run.recommender.met_for_good(state, row),
        rank=place_of(draft, at) if len(found) else 0,
        candidate_rank=at + 1 if len(found) else 0,
        baseline_ranks=baseline_ranks,
        rating=float(events.rating[k]),
        predicted_rating=float(ratings[at]) if known and len(ratings) else popularity.mean_rating(),
    )


def place_of(draft: Draft, at: int) -> int:
    """The place (from 1) of candidate `at`: on the slate where it is there, else behind it by its score."""
    on_slate = np.flatnonzero(draft.order == at)
    if len(on_slate):
        return int(on_slate[0]) + 1
    placed = draft.score[: draft.placed]
    ahead = int((placed > placed[at]).sum()) + 1
    return max(ahead, len(draft.order) + 1)


def shares_of(draft: Draft, row: int) -> Shares:
    """Of the best ten candidates, what the model gave them as probabilities of a click, and which was met."""
    click, met = draft.click[: draft.placed], draft.rows[: draft.placed] == row
    first = click[met] if met.any() else np.full(1, np.nan, np.float32)
    return click_shares(np.concatenate([first, click[~met]])[None, :], met.any(keepdims=True))


def replay(dataset: Dataset, options: ReplayOptions, settings: Settings, progress: Progress) -> ReplayResult:
    """Warm and train on the first part, then predict and learn each event of the second.

    Raises `DataError` where there is too little to do either.
    """
    dataset = dataset.first(options.limit)
    stream = dataset.interactions
    total = len(stream)
    until = int(total * options.warm)
    if until < 1 or until >= total:
        raise DataError(
            f"{total} events can't be parted at {options.warm}; at least one must come on each side"
        )
    if not options.requests:  # their gateway has the half-lives of its settings
        settings = adapted(settings, stream, until)
    if options.offered:
        settings = without_places(settings)
    clock = _Stages()
    run, model, fp32, continual, notes, encode = ready(dataset, options, settings, until, progress)
    run.recommender.serve(model)
    asked = Answering(options.requests, run, encode, options.arm)
    compared = Compared(stream, options.seed, run.blocks)
    for k in range(until):
        compared.learn(k)
    warm_seconds = clock.lap(WARM)
    recommended: set[int] = set()
    predictions: list[Prediction] = []
    shares: list[Shares] = []
    with ExitStack() as files:
        slates = answers = None
        if options.slates is not None:
            slates = files.enter_context(SlateFile(options.slates))
        if options.answers is not None:
            answers = files.enter_context(SlateFile(options.answers, "--answers"))
        for k in range(until, total):
            if answers is not None:
                answer(asked, answers)
                clock.lap("answer")
            draft, row = run.predict(explain=slates is not None, arm=options.arm)
            clock.lap("predict")
            ranks = compared.ranks(k)
            if fp32 is not None:
                ranks.append(rank_with(fp32, run, draft, row))
            compared.learn(k)
            predictions.append(prediction_of(run, draft, row, ranks))
            if model is not None and predictions[-1].ranked:
                shares.append(shares_of(draft, row))
            recommended.update(draft.rows[draft.order[:10]].tolist())
            clock.lap("compare")
            if slates is not None:
                slates.write(run.recommender.slate(draft))
                clock.lap("write slates")
            if continual is not None:
                continual.take()
            if options.offered:
                run.offer(draft, options.offered)
            run.learn()
            clock.lap("learn")
            if continual is not None and (renewed := continual.renew()) is not None:
                run.recommender.serve(renewed)
                clock.lap("renew")
            progress("predicting", k + 1 - until, total - until)
        if answers is not None:
            answer(asked, answers)
    if continual is not None:
        notes += (
            f"the model was renewed {continual.renewals} times, after every {continual.every:,} events",
        )
    if options.offered:
        run.recommender.learn_closed()
        lessons = ", ".join(f"{n:,} {name}" for name, n in run.recommender.learner.counts().items() if n)
        run.recommender.look_back()
        notes += marked(run.recommender.report)
        notes += (f"as if the first {options.offered} places had been shown; lessons: {lessons or 'none'}",)
    names = [each.name for each in compared.baselines] + (["fp32"] if fp32 is not None else [])
    return ReplayResult(
        predictions=columns_of(predictions, names),
        model=model.name if model is not None else "counters",
        events=total,
        warm_events=until,
        users=len(set(stream.user)),
        catalogue=len(run.recommender.catalog),
        pool=settings.candidates.pool,
        seed=options.seed,
        seconds=clock.seconds["predict"] + clock.seconds["learn"],
        warm_seconds=warm_seconds,
        recommended={MODEL: len(recommended)}
        | {name: len(items) for name, items in compared.recommended.items()},
        stage_seconds={name: round(spent, 3) for name, spent in clock.seconds.items() if name != WARM},
        click_shares=joined(shares),
        notes=notes,
    )


def answer(asked: Answering, answers: SlateFile) -> None:
    """Answer what is asked before the next event."""
    for each in asked.due():
        answers.write(each)


def without_places(settings: Settings) -> Settings:
    """The next event of a replay answers what was offered wherever it stood: no place counts as a bias."""
    reweighting = msgspec.structs.replace(settings.reweighting, eta=0.0, harvest=False, doubts=(), trial=0.0)
    return msgspec.structs.replace(settings, reweighting=reweighting)


class _Stages:
    """Wall time by stage."""

    def __init__(self) -> None:
        self.seconds = {"predict": 0.0, "learn": 0.0}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> float:
        """Book the time since the last call under `stage`; that time."""
        now = time.perf_counter()
        spent, self._last = now - self._last, now
        self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
        return spent


def marked(report: LearnerReport | None) -> tuple[str, ...]:
    """In words, where detectors saw a change of a level's loss; nothing where none did, or none looks."""
    levels = report.levels if report is not None else {}
    return tuple(
        f"changes of the loss that detectors marked, level {name}, by the lesson: "
        + ", ".join(f"{mark.detector} at {mark.lesson:,}" for mark in level.marks)
        for name, level in levels.items()
        if level.marks
    )
