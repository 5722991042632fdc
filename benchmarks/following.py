"""Whether feeds are better when they follow a search that a click told of: the same clicks, predicted twice.

    python -m benchmarks.following musical Musical_Instruments.zip --keep FOLDER --json FILE
    python -m benchmarks.following trivago trivago_val_100k.parquet --keep FOLDER --json FILE

`searched_streams` has the streams. For each `--follows` (`state.search_follows_s`: which searches are in the
training examples of clicks that tell none) and each seed, a network is trained on the first half. The second
half is predicted click by click, then learned. A click that told a search of its own is no feed's, and is
learned alone. The others are predicted

    plain      as if nothing had been searched for
    followed   with the latest search of the user's state, however old it is
    intent     with the query that the stream keeps to itself (musical): a search just before, for this very
               purchase

and compared by the age of the search, over the same clicks. `--tune` does all of this within the first half:
four fifths train, the last is predicted; an age at which following pays is chosen there. `--keep` holds
models, and what they said: a network that is there with its outcomes is not trained again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec import json
from msgspec.structs import replace

from benchmarks.machine import made
from benchmarks.searched_streams import Moment, SearchedStream, musical, trivago
from export.registry import Registry
from model.evaluate import hit_rate, hit_rate_difference, ndcg, ndcg_difference
from model.schema import F32
from streams.commands.options import add_settings, progress_lines, settings_from
from streams.offline.replay.prequential import prediction_of
from streams.offline.stream_driver import Prequential
from streams.offline.training.dataset_texts import Say, encode_all, text_encoder
from streams.offline.training.fit import fit_model
from streams.serving.loading import load_in_service
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.state.user_state import NEVER, NO_SEARCH

WARM, TUNED = 0.5, 0.8
SERVED_S = 1_800.0
SECONDS = {
    "1 min": 60.0, "5 min": 300.0, "30 min": 1_800.0, "1 day": 86_400.0, "7 days": 604_800.0,
    "30 days": 2_592_000.0, "later": np.inf,
}  # fmt: skip
PACKAGES = ("headrace", "numpy", "onnxruntime", "torch")


class Outcome(NamedTuple):
    """One predicted click. age_s: of the user's latest search; None for none. places: of the item, by way,
    from 1; 0 where no source found it.
    """

    age_s: float | None
    places: dict[str, int]


class Network(NamedTuple):
    """How a network is trained, and what it said."""

    follows_s: float
    seed: int
    outcomes: Sequence[Outcome] = ()

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"follows-{self.follows_s:g}-{self.seed}"


def trained(
    stream: SearchedStream, settings: Settings, network: Network, ends: tuple[int, int], registry: Registry,
    say: Say,
) -> Network:  # fmt: skip
    """Train on the moments before `ends[0]`, predict those from there to `ends[1]`."""
    seed, follows_s = network.seed, network.follows_s
    tree = {"seed": seed, "model": {"training": {"seed": seed}}, "state": {"search_follows_s": follows_s}}
    settings = override(settings, tree)
    fitted = fit_model(stream.dataset(), settings, registry, network.name, ends[0], say)
    core = fitted.run.recommender
    core.serve(load_in_service(fitted.folder, settings.model, core.pipeline.names))
    intents = {each.intent for each in stream.moments[ends[0] : ends[1]] if each.intent}
    encode = text_encoder(registry, (), settings, say).project
    vectors = encode_all(sorted(intents), encode, "reading intents", say)
    outcomes = list(predicted(fitted.run, stream.moments, vectors, ends[1], say))
    return network._replace(outcomes=outcomes)


def predicted(
    run: Prequential, moments: Sequence[Moment], intents: dict[str, F32], until: int, say: Say
) -> Iterator[Outcome]:
    """An outcome for each click that came from no search of its own, and whose item can be ranked."""
    while run.at < until:
        moment = moments[run.at]
        if moment.alone and (outcome := outcome_of(run, moment, intents)) is not None:
            yield outcome
        run.learn()
        say("predicting", run.at, until)


def outcome_of(run: Prequential, moment: Moment, intents: dict[str, F32]) -> Outcome | None:
    """The next click, predicted in each way that there is; None where its item can't be ranked."""
    core, state = run.recommender, run.state(moment.user)
    row = core.catalog.rows.get(moment.item, -1)
    if row < 0 or core.met_for_good(state, row):
        return None
    told = len(state.searched) > 0
    searched: dict[str, F32 | None] = {"plain": None}
    if told:
        searched["followed"] = state.searched
    if moment.intent in intents:
        searched["intent"] = intents[moment.intent]
    plain = replace(state, searched=NO_SEARCH, searched_ms=NEVER)
    places = {}
    for way, vector in searched.items():
        request = core.request(
            plain, moment.ts_ms, user=moment.user, cause=str(run.at), searched=vector, score_also=(row,)
        )
        places[way] = prediction_of(run, core.draft(request), row, ()).rank
    return Outcome((moment.ts_ms - state.searched_ms) / 1_000 if told else None, places)


def figures(places: Sequence[int], others: Sequence[int]) -> dict[str, Any]:
    """NDCG@10 and HR@10 of both, and the paired differences with their standard errors."""
    values = {
        "ndcg@10": [ndcg(others), ndcg(places), ndcg_difference(places, others)],
        "hr@10": [hit_rate(others), hit_rate(places), hit_rate_difference(places, others)],
    }
    names = ("from", "to", "difference")
    told = {
        metric: {name: [round(x, 4) for x in each] for name, each in zip(names, its, strict=True)}
        for metric, its in values.items()
    }
    return {"clicks": len(places), **told}


def by_age(outcomes: Iterable[Outcome]) -> dict[str, dict[str, Any]]:
    """Followed against plain, by the age of the search; each age up to the name's, from the one before."""
    parts: dict[str, list[Outcome]] = {name: [] for name in SECONDS}
    for each in outcomes:
        if each.age_s is not None:
            parts[next(name for name, most in SECONDS.items() if each.age_s <= most)].append(each)
    return {name: ways(its, "followed") for name, its in parts.items() if len(its) > 1}


def within(outcomes: Sequence[Outcome], follows_s: float) -> list[int]:
    """Which of the clicks came so soon after a search."""
    return [k for k, each in enumerate(outcomes) if each.age_s is not None and each.age_s <= follows_s]


def ways(outcomes: Sequence[Outcome], way: str) -> dict[str, Any]:
    """One way against plain, over the clicks that have it."""
    having = [each.places for each in outcomes if way in each.places]
    return figures([its[way] for its in having], [its["plain"] for its in having])


def served(network: Network, follows_s: float) -> list[int]:
    """The places that the network's feeds give with this setting of `state.search_follows_s`."""
    following = set(within(network.outcomes, follows_s)) if follows_s else set()
    return [each.places["followed" if k in following else "plain"] for k, each in enumerate(network.outcomes)]


def report(networks: Sequence[Network], follows_s: float = SERVED_S) -> dict[str, Any]:
    """All comparisons. follows_s: for how long feeds follow; of two networks with one seed, each as it would
    be trained and served.
    """
    told: dict[str, Any] = {}
    for each in networks:
        soon = within(each.outcomes, follows_s)
        its: dict[str, Any] = {
            "followed - plain, by age": by_age(each.outcomes),
            "followed - plain": ways([each.outcomes[k] for k in soon], "followed"),
        }
        if any("intent" in outcome.places for outcome in each.outcomes):
            its["intent - plain"] = ways(each.outcomes, "intent")
        for other in networks:
            if other.seed == each.seed and other.follows_s == 0 < each.follows_s:
                new, old = served(each, follows_s), served(other, 0.0)
                its["trained and served - neither"] = {
                    "all": figures(new, old),
                    "soon after a search": figures([new[k] for k in soon], [old[k] for k in soon]),
                }
        told[each.name] = its
    return told


def show(told: dict[str, Any], at: str = "") -> None:
    """A line for each comparison."""
    for name, its in told.items():
        if "clicks" in its:
            values = "  ".join(
                f"{metric} {its[metric]['from'][0]:.4f} to {its[metric]['to'][0]:.4f}: "
                "{:+.4f} ± {:.4f}".format(*its[metric]["difference"])
                for metric in ("ndcg@10", "hr@10")
            )
            print(f"{at}{name} ({its['clicks']}): {values}", flush=True)
        else:
            show(its, f"{at}{name} / ")


def main() -> None:
    """Train, predict, compare; with `--json`, for programs."""
    parser = argparse.ArgumentParser(description="Feeds that follow a search against feeds that do not.")
    parser.add_argument("stream", choices=("musical", "trivago"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--told", type=float, default=0.5, help="musical: the share that tells a query (.5)")
    parser.add_argument("--follows", type=numbers, default=[0.0, 1_800.0], metavar="SECONDS,...")
    parser.add_argument("--seeds", type=numbers, default=[7.0], metavar="N,...")
    parser.add_argument("--tune", action="store_true", help="within the first half")
    parser.add_argument("--limit", type=int, help="so many of the first clicks alone")
    parser.add_argument("--keep", type=Path, required=True, help="a folder for each stream and its options")
    parser.add_argument("--json", type=Path)
    add_settings(parser)
    args = parser.parse_args()
    stream = musical(args.file, args.told) if args.stream == "musical" else trivago(args.file)
    stream = stream._replace(moments=stream.moments[: args.limit])
    warm = int(len(stream.moments) * WARM)
    ends = (int(warm * TUNED), warm) if args.tune else (warm, len(stream.moments))
    settings, registry, networks = settings_from(args), Registry(args.keep), []
    for one in (Network(follows_s, int(seed)) for seed in args.seeds for follows_s in args.follows):
        kept = args.keep / f"{one.name}.outcomes.json"
        if not kept.exists():
            made_now = trained(stream, settings, one, ends, registry, progress_lines())
            kept.write_bytes(json.encode(made_now.outcomes))
        outcomes = json.decode(kept.read_bytes(), type=list[Outcome])
        networks.append(one._replace(outcomes=outcomes))
    told = report(networks)
    show(told)
    if args.json is not None:
        command = (
            f"python -m benchmarks.following {args.stream} {args.file.name} --keep FOLDER "
            f"--follows {spelt(args.follows)} --seeds {spelt(args.seeds)}{' --tune' if args.tune else ''}"
        )
        facts = {"told": args.told} if args.stream == "musical" else {}
        about = {
            "items": len(stream.texts), "trained_on": ends[0], "until": ends[1],
            "epochs": settings.model.training.epochs, **facts,
        }  # fmt: skip
        body = {**made(command, PACKAGES), **about, "networks": told}
        args.json.write_bytes(json.format(json.encode(body), indent=2) + b"\n")


def numbers(told: str) -> list[float]:
    """Numbers between commas."""
    return [float(each) for each in told.split(",")]


def spelt(values: Sequence[float]) -> str:
    """The same as it was told."""
    return ",".join(f"{each:g}" for each in values)


if __name__ == "__main__":
    main()
