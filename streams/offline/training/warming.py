"""A core learns the first part of a dataset's stream, and collects examples on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from export.parity import ParityLimits
from model.errors import DataError
from model.examples import Shard
from model.plan import TrainPlan
from streams.datasets.as_events import item_of, texts_of_events
from streams.datasets.dataset import Dataset
from streams.examples.collector import ExampleCollector
from streams.offline.stream_driver import Prequential, Stream
from streams.offline.training.dataset_texts import Say, encode_all
from streams.offline.training.retrieval_scout import scout
from streams.recommender import Recommender
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.event_meaning import Encode, Said, item_record, vectors_of

BURN_IN = 0.1


class Collected(NamedTuple):
    """Examples to learn from, and the newest ones, with whole pools, to judge with."""

    shards: Sequence[Shard]
    held_out: Sequence[Shard]


def prepare(dataset: Dataset, settings: Settings, encode: Encode | None, say: Say) -> Prequential:
    """A core before its first event; it knows the items, and the vectors of reviews and searches."""
    run = Prequential(Recommender(settings, dataset.graph), stream_of(dataset, encode, say))
    announce(run, dataset, encode, say)
    return run


def stream_of(dataset: Dataset, encode: Encode | None, say: Say) -> Stream:
    """The dataset's stream with the vectors of its reviews and searches."""
    stream = dataset.interactions
    if not len(stream):
        raise DataError("expected interactions, got a dataset without a readable one: see the notes")
    vectors = encode_all(texts_of_events(stream), encode, "reading reviews and searches", say)
    return Stream(stream, vectors, dataset.users)


def announce(run: Prequential, dataset: Dataset, encode: Encode | None, say: Say) -> None:
    """Tell a core of the dataset's items."""
    begin = int(dataset.interactions.ts_ms[0])
    described = encode_all((item.joined for item in dataset.items.values()), encode, "reading items", say)
    run.announce(records(dataset, described, begin), begin)


def records(dataset: Dataset, vectors: Said, ts_ms: int) -> list[ItemRecord]:
    """The stored records of the dataset's items, announced at `ts_ms`."""
    events = (item_of(item_id, item, ts_ms) for item_id, item in dataset.items.items())
    return [item_record(event, vectors_of(event, vectors), ts_ms) for event in events]


def warm(run: Prequential, until: int, settings: Settings, say: Say, burn_in: float = BURN_IN) -> Collected:
    """Learn up to event `until`, and collect examples on the way; the newest ones are held out.

    `burn_in`: the share of those events that the core learns, but that is too early for examples. If there
    are enough examples, a scout trained on the first ones retrieves for the later ones (see
    `retrieval_scout`).
    """
    first, plan, seed = int(until * burn_in), settings.model.training, settings.seed
    judged_from = until - held_out_of(until, first, plan)
    scouted = scouted_until(until, first, plan)
    learned = ExampleCollector(run.recommender, seed)
    judged = ExampleCollector(run.recommender, seed, whole=True)

    def learning(done: int) -> None:
        say("warming", done, until)

    early: Sequence[Shard] = ()
    if scouted is not None:
        run.warm(scouted, learned, first, learning)
        early = learned.drain()
        if early:
            run.recommender.serve(scout(run.recommender, early, say))
    run.warm(judged_from, learned, first, learning)
    run.warm(until, judged, first, learning)
    run.recommender.serve(None)
    return Collected([*early, *learned.shards()], judged.shards())


def held_out_of(until: int, first: int, plan: TrainPlan) -> int:
    """How many of the events from `first` up to `until`, the newest ones, are held out."""
    enough = min(ParityLimits().examples, until // 4)
    return min(max(int((until - first) * plan.validate), enough), plan.validate_most)


def scouted_until(until: int, first: int, plan: TrainPlan) -> int | None:
    """The event up to which the core collects examples without a scout, to train the scout on them. None if
    there is no scout: too few examples, no share of them, or a user tower that learns nothing.
    """
    learned = until - held_out_of(until, first, plan) - first
    early = int(learned * plan.scout)
    wanted = plan.retrieval > 0 and early > 0 and until - first >= plan.scout_from
    return first + early if wanted else None
