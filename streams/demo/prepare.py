"""What the demo needs before it is live: a stream, a trained model, and a core that has seen the first part.

The model is kept from one run to the next under a name that says what it was made of: the data, the settings
and the code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

import export
import model
import streams
from export.registry import Registry
from model.schema import F32
from streams.clock import Clock
from streams.datasets.dataset import Dataset, DatasetSpec, load_dataset
from streams.demo.at_once import at_once
from streams.demo.steady_rate import at_steady_pace
from streams.demo.trained_once import one_trains
from streams.local.datasets import ml_100k
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import Say, text_encoder, texts_of
from streams.offline.training.fit import fit
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import prepare, records, warm
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings
from streams.state.catalog import ItemRecord
from streams.state.event_meaning import Encode

# Rooms whose code can't change a model.
_APART = {"bench", "commands", "demo", "gateway", "local", "renewal", "stores", "worker", "__pycache__"}


@dataclass(frozen=True)
class DemoOptions:
    """`warm`: the share of the stream that trains; the rest is played at `rate` events a second.

    `examples`: the newest share of the first part that becomes training examples; the rest is only learned.
    `users`: so many are there at once (`at_once`). `limit`: only the first so many events of ml-100k.
    `folder`: where the model is kept.
    """

    rate: float = 50.0
    users: int = 240
    epochs: int = 3
    warm: float = 0.5
    examples: float = 0.5
    limit: int | None = None
    folder: Path = Path("var/demo")


@dataclass(frozen=True)
class Prepared:
    """`run` stands after the first `until` events of `dataset` and serves the model.

    `settings` are those under which it was trained, with its registry; workers need them.
    """

    dataset: Dataset
    until: int
    run: Prequential
    settings: Settings
    model: str
    trained: bool

    def records(self) -> dict[str, ItemRecord]:
        """Each described item as a worker would store it."""
        catalog = self.run.recommender.catalog
        said = {
            item.joined: catalog.text[catalog.rows[item_id]]
            for item_id, item in self.dataset.items.items()
            if item.joined
        }
        began_ms = int(self.dataset.interactions.ts_ms[0])
        return {record.item_id: record for record in records(self.dataset, said, began_ms)}


def prepared(options: DemoOptions, settings: Settings, clock: Clock, say: Say) -> Prepared:
    """Train where no kept model fits; then warm a core on the first part, which ends just now."""
    say("reading ml-100k", 0, 1)
    dataset = dataset_of(options, settings.seed)
    until = int(len(dataset.interactions) * options.warm)
    registry, settings = _registry(options), _in_folder(options, settings)
    name = model_name(options, settings)
    dataset = _ending_now(dataset, until, options.rate, clock)
    settings = adapted(settings, dataset.interactions, until)
    with ExitStack() as held:
        if not registry.has(name):
            held.enter_context(one_trains(registry.folder, say))
        encoder = text_encoder(registry, texts_of(dataset, until), settings, say)
        project = CachedEncoder(encoder.project)
        trained = not registry.has(name)  # whoever held the folder may have made it
        if trained:
            run = prepare(dataset, settings, project, say)
            collected = warm(run, until, settings, say, burn_in=1.0 - options.examples)
            fit(run, collected, registry, name, say, encoder.manifest)
    dataset = _ending_now(dataset, until, options.rate, clock)  # all that took its time
    run = prepare(dataset, settings, project, say)
    run.warm(until, None, until, lambda done: say("replaying the first part", done, until))
    run.recommender.serve(load_in_service(registry.get(name), settings.model, run.recommender.pipeline.names))
    return Prepared(dataset, until, run, settings, name, trained)


def kept_model(options: DemoOptions, settings: Settings) -> Path | None:
    """The folder of the model that `prepared` would serve, if it is kept; nothing is replayed to know it."""
    registry, name = _registry(options), model_name(options, _in_folder(options, settings))
    return registry.get(name) if registry.has(name) else None


class CachedEncoder:
    """Texts -> vectors, each text read once."""

    def __init__(self, project: Encode) -> None:
        self._project, self._vectors = project, dict[str, F32]()

    def __call__(self, texts: Sequence[str]) -> F32:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors |= zip(new, self._project(new), strict=True)
        return np.stack([self._vectors[text] for text in texts])


def model_name(options: DemoOptions, settings: Settings) -> str:
    """A name that changes with whatever the model depends on."""
    said = (
        options.rate,
        options.users,
        options.warm,
        options.examples,
        options.limit,
        settings.seed,
        settings.model.text_encoder,
        settings.model.modalities,
        *(
            msgspec.json.encode(part).hex()
            for part in (
                settings.counters,
                settings.actions,
                settings.ratings,
                settings.candidates,
                settings.state,
                settings.model.tasks,
                settings.model.network,
                settings.model.training,
            )
        ),
    )
    digest = hashlib.blake2b(repr(said).encode(), digest_size=6)
    for file in ml_100k():
        digest.update(file.read_bytes())
    for package in (model, export, streams):
        root = Path(next(iter(package.__path__)))
        for file in sorted(root.rglob("*.py")):
            if not _APART & set(file.relative_to(root).parts):
                digest.update(file.read_bytes())
    return f"ml-100k-{digest.hexdigest()}"


def _registry(options: DemoOptions) -> Registry:
    return Registry(options.folder / "models")


def _in_folder(options: DemoOptions, settings: Settings) -> Settings:
    """The settings with what the options say: the registry, where examples are logged, the epochs."""
    plan = msgspec.structs.replace(settings.model.training, epochs=options.epochs)
    registry = str(_registry(options).folder.resolve())
    served = msgspec.structs.replace(settings.model, registry=registry, training=plan)
    folder = settings.examples.folder or str((options.folder / "examples" / settings.namespace).resolve())
    logged = msgspec.structs.replace(settings.examples, folder=folder)
    return msgspec.structs.replace(settings, model=served, examples=logged)


def dataset_of(options: DemoOptions, seed: int) -> Dataset:
    """ml-100k, dealt anew: see `at_once`."""
    files = ml_100k()
    spec = DatasetSpec(str(files.interactions), str(files.items), str(files.users), seed=seed)
    dataset = load_dataset(spec).first(options.limit)
    return replace(dataset, interactions=at_once(dataset.interactions, options.users, seed))


def _ending_now(dataset: Dataset, until: int, rate: float, clock: Clock) -> Dataset:
    return replace(dataset, interactions=at_steady_pace(dataset.interactions, until, rate, clock.now_ms()))
