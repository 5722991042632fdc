"""How well search finds what was bought: words, meaning, both, and both with the network.

    python -m benchmarks.search_quality --interactions Musical_Instruments.zip --keep FOLDER --json FILE

`search_queries` says where queries come from. A network is trained on the purchases of the training, each of
them a click with its query; `--keep` holds it for the next run. Then each held-out purchase is one search
among all items, and what was bought is the one right answer.

    words            BM25 over fields, stems, typos mended; no vectors
    meaning          the text encoder alone
    fusion           both (`search.fusion`), the same for everybody
    ranks            both by reciprocal ranks
    net              fusion and the network with the query, without the user's history: the same for everybody
    net, history     the same with the user's history, as much of it for everybody (`personal_floor` 1)
    net, personal    the same with the zero-attention option, as served
    popular          no query: the most bought

Half of the users, by a hash, are for the choice of settings: `--tune` prints figures of them by weight. The
report is of the other half. "above fusion" and "above words" are differences over the same searches.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from benchmarks.machine import made
from benchmarks.search_queries import Asked, Searches, drawn, read_purchases, searches_of
from export.registry import Registry
from model.evaluate import mrr, ndcg, ndcg_difference
from model.schema import F32
from streams.commands.options import (
    add_dataset,
    add_settings,
    add_training,
    dataset_from,
    progress_bar,
    settings_from,
    training_from,
)  # fmt: skip
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import encode_all, text_encoder, texts_of
from streams.offline.training.fit import fit_model
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import prepare, records
from streams.search.index import SearchIndex
from streams.search.searching import SearchAsked, search
from streams.serving.loading import load_in_service
from streams.settings.search import SearchSettings

NAME = "searched"
PLACES = 100
MISSED = 0  # as `model.evaluate` has it
PACKAGES = ("headrace", "numpy", "onnxruntime", "tantivy", "torch")


class Way(NamedTuple):
    """One row of the report."""

    name: str
    settings: SearchSettings
    vectors: bool = True
    personal: bool = True


def ways(chosen: SearchSettings) -> list[Way]:
    """The rows."""

    def but(**changes: Any) -> SearchSettings:
        return msgspec.structs.replace(chosen, pool=PLACES, results=PLACES, **changes)

    return [
        Way("words", but(net=0.0), vectors=False),
        Way("meaning", but(net=0.0, words=0.0, intent=0.0)),
        Way("fusion", but(net=0.0)),
        Way("ranks", but(net=0.0, fusion="ranks")),
        Way("net", but(personal_floor=1.0), personal=False),
        Way("net, history", but(personal_floor=1.0)),
        Way("net, personal", but()),
    ]


class World(NamedTuple):
    """The core after the training's purchases, its index, and the vectors of the queries."""

    run: Prequential
    found_by: SearchIndex
    vectors: dict[str, F32]


def write_dataset(searches: Searches, folder: Path) -> tuple[Path, Path]:
    """Purchases as clicks with queries, and items with the reviews of the training as their text."""
    events, items = folder / "purchases.csv", folder / "items.csv"
    with events.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "timestamp", "query"])
        for asked in searches.train:
            each = asked.purchase
            rows.writerow([each.user, each.item, each.ts_ms // 1_000, asked.query])
    with items.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "text"])
        rows.writerows(searches.texts.items())
    return events, items


def world(args: argparse.Namespace, searches: Searches, words_of_title: int = 0) -> World:
    """Train, or take what was trained before, and learn all purchases of the training. words_of_title: so
    many of an item's text are indexed as its title; these items have none.
    """
    settings = training_from(args, settings_from(args))
    registry, say = Registry(args.keep), progress_bar()
    with TemporaryDirectory(prefix="headrace-search-") as folder:
        args.interactions, args.items = map(str, write_dataset(searches, Path(folder)))
        dataset = dataset_from(args, settings)
    events = len(dataset.interactions)
    if registry.has(NAME) or args.without_net:
        settings = adapted(settings, dataset.interactions, events)
        encoder = text_encoder(registry, texts_of(dataset, events), settings, say)
        run = prepare(dataset, settings, encoder.project, say)
        run.warm(events, None, 0, lambda done: None)
        folder_of_model = None if args.without_net else registry.get(NAME)
    else:
        fitted = fit_model(dataset, settings, registry, NAME, events, say)
        run, folder_of_model = fitted.run, fitted.folder
        encoder = text_encoder(registry, (), settings, say)
    core = run.recommender
    if folder_of_model is not None:
        core.serve(load_in_service(folder_of_model, settings.model, core.pipeline.names))
    index = SearchIndex(settings.search)
    for record in records(dataset, {}, int(dataset.interactions.ts_ms[0])):
        title = " ".join((record.description or "").split()[:words_of_title])
        index.note(core.catalog.rows[record.item_id], msgspec.structs.replace(record, title=title))
    index.commit()
    queries = dict.fromkeys(asked.query for asked in searches.test)
    return World(run, index, encode_all(queries, encoder.project, "reading queries", say))


def place(here: World, asked: Asked, way: Way) -> int:
    """At which place the item stands that was bought, from 1; 0 for none of the first `PLACES`."""
    index, core = here.found_by, here.run.recommender
    index.settings = way.settings
    vector = here.vectors.get(asked.query) if way.vectors else None
    query = SearchAsked(
        index.understand(asked.query), vector, asked.purchase.user, PLACES, personal=way.personal
    )
    answer = search(core, index, query, here.run.state(asked.purchase.user), asked.purchase.ts_ms)
    found = [item.item_id for item in answer.slate.items]
    return found.index(asked.purchase.item) + 1 if asked.purchase.item in found else 0


def popular(here: World, asked: Asked) -> int:
    """The same for a list of what was bought most."""
    core = here.run.recommender
    events = core.counters.popularity.events[: len(core.catalog)]
    row = core.catalog.rows[asked.purchase.item]
    at = int((events > events[row]).sum()) + 1
    return at if at <= PLACES else 0


def figures(
    places: Sequence[int], fusion: Sequence[int], words: Sequence[int] | None = None
) -> dict[str, dict[str, float]]:
    """NDCG@10 and MRR with standard errors, and by how much the first is above that of others."""
    told = {"ndcg@10": ndcg(places), "mrr": mrr(places), "above fusion": ndcg_difference(places, fusion)}
    if words is not None:
        told["above words"] = ndcg_difference(places, words)
    return {
        name: {"value": round(each.value, 4), "error": round(each.error, 4)} for name, each in told.items()
    }


def add_searches(parser: argparse.ArgumentParser) -> None:
    """The data, the network and which searches."""
    add_dataset(parser)
    add_training(parser)
    add_settings(parser)
    parser.add_argument("--keep", type=Path, required=True, help="a registry for the model")
    parser.add_argument("--without-net", action="store_true", help="train none: words and meaning alone")
    parser.add_argument("--searches", type=int, help="so many alone, drawn by a hash")


def some_of(test: Sequence[Asked], choosing: bool, most: int | None) -> list[Asked]:
    """Those of one half of the users: the half for choices, or the rest; `most` of them, None for all."""
    half = [each for each in test if (drawn("half", each.purchase.user) < 0.5) == choosing]
    if most is None:
        return half
    return sorted(half, key=lambda each: drawn("some", *each.purchase[:2], each.kind))[:most]


def main() -> None:
    """Train or load, search, print a line for each way and sort of query; with `--json`, for programs."""
    parser = argparse.ArgumentParser(description="Search by words, meaning, both, and with the network.")
    add_searches(parser)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--tune", action="store_true", help="figures by weight, on the other half of the users"
    )
    args = parser.parse_args()
    name = Path(args.interactions).name
    searches = searches_of(read_purchases(Path(args.interactions)))
    here = world(args, searches)
    half = some_of(searches.test, args.tune, args.searches)
    chosen = here.found_by.settings
    rows = tuned(chosen) if args.tune else ways(chosen)
    if args.without_net:
        rows = [way for way in rows if not way.settings.net]
    places = {way.name: [place(here, asked, way) for asked in half] for way in rows}
    if not args.tune:
        places["popular"] = [popular(here, asked) for asked in half]
    report: dict[str, Any] = {
        **made(f"python -m benchmarks.search_quality --interactions {name} --keep FOLDER", PACKAGES),
        "items": len(here.run.recommender.catalog), "training": len(searches.train),
        "settings": msgspec.to_builtins(chosen), "sorts": {},
    }  # fmt: skip
    for sort, chosen_of in SORTS.items():
        at = [k for k, asked in enumerate(half) if chosen_of(asked)]
        fusion, words = ([places[way][k] for k in at] for way in ("fusion", "words"))
        told = {way: figures([its[k] for k in at], fusion, words) for way, its in places.items()}
        report["sorts"][sort] = {"searches": len(at), "ways": told}
        for way, row in told.items():
            values = (f"{name} {each['value']:.4f} ± {each['error']:.4f}" for name, each in row.items())
            print(f"{sort:16} {len(at):5} {way:28}", *values)
    if args.json is not None:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


SORTS: dict[str, Callable[[Asked], bool]] = {
    "all": lambda asked: True,
    "kind": lambda asked: asked.kind == "kind",
    "kind, hidden": lambda asked: asked.kind == "kind" and asked.hidden,
    "phrase": lambda asked: asked.kind == "phrase",
}


def tuned(chosen: SearchSettings) -> list[Way]:
    """Weights side by side."""

    def but(**changes: Any) -> SearchSettings:
        return msgspec.structs.replace(chosen, pool=PLACES, results=PLACES, **changes)

    rows = [Way("words", but(net=0.0), vectors=False), Way("fusion", but(net=0.0))]
    rows += [Way(f"meaning {m}", but(net=0.0, meaning=m)) for m in (0.25, 1.0)]
    rows += [Way("ranks", but(net=0.0, fusion="ranks"))]
    weights = (0.025, 0.05, 0.1, 0.2, 0.4)
    rows += [Way(f"net {w}", but(net=w, personal_floor=1.0), personal=False) for w in weights]
    rows += [Way(f"net {w}, history", but(net=w, personal_floor=1.0)) for w in weights]
    rows += [
        Way(f"net {w}, floor {floor}, from {c}", but(net=w, personal_floor=floor, attention_from=c))
        for w in (0.1, 0.2)
        for floor, c in ((0.0, 0.5), (0.3, 0.5), (0.3, 0.3))
    ]
    return rows


if __name__ == "__main__":
    main()
