"""A BERT cross-encoder beside the fusion model: the same events, the same candidates, quality and cost.

    python -m benchmarks.cross_encoder --interactions FILE --map ... --json benchmarks/results/NAME.json

Both train on the first half of the stream. The benchmark draws `--events` of the second half (seeded). For
each, the pool itself, the fusion model as served (int8) and the cross-encoder in fp32 and in int8 rank the
pool's best `--pool` candidates. A met item that is not in the pool is a miss for all of them. Times are for
one user's `--pool` candidates on one thread, medians over `--timed` users, in turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from benchmarks.machine import made
from benchmarks.text_walk import Ranked, Walk
from export.quantize import quantize_text_encoder
from export.registry import Registry
from export.session import Runner, open_session
from export.to_onnx import compare, write_onnx
from model.baselines.cross_encoder import (
    CrossEncoder,
    CrossEncoderSettings,
    PairTokens,
    pair_tokens,
    teacher_scores,
    train_cross_encoder,
)
from model.early_stopping import Round, Schedule
from model.evaluate import Estimate, hit_rate, ndcg
from model.schema import F32, Scores
from model.text_memory import TextMemory
from model.token_table import load_tokenizer
from streams.bench.machine import command_line
from streams.commands.options import add_dataset, dataset_from, progress_bar
from streams.examples.collector import ExampleCollector
from streams.offline.replay.options import Progress
from streams.offline.training.dataset_texts import text_encoder, texts_of
from streams.offline.training.fit import fit
from streams.offline.training.half_lives import adapted
from streams.offline.training.warming import Collected, prepare
from streams.ranking.draft import Draft
from streams.ranking.rank_batch import RankBatch
from streams.serving.loading import load_in_service
from streams.settings.tree import Settings

INPUTS, OUTPUTS = ("tokens", "mask", "types"), ("score",)
HELD_OUT = 0.15
PACKAGES = ("headrace", "onnxruntime", "peft", "torch", "transformers")
SHARD = 250  # examples, so that the newest shard, which the gate judges with, is small


def places(ranked: Sequence[Ranked], scores: Sequence[F32]) -> list[int]:
    """The place of each met item by other scores of the same candidates; ties count against it."""
    left = iter(scores)
    found = []
    for each in ranked:
        if each.choice is None:
            found.append(0)
        else:
            row = next(left)
            found.append(int((row >= row[each.pool - 1]).sum()))
    return found


def export_cross_encoder(scorer: CrossEncoder, sample: PairTokens, folder: Path) -> dict[str, Runner]:
    """ONNX in fp32, compared with torch, and in int8."""
    fp32, int8 = folder / "cross_encoder.fp32.onnx", folder / "cross_encoder.onnx"
    shape = {0: torch.export.Dim("pairs"), 1: torch.export.Dim("length")}
    write_onnx(scorer, sample, (shape, shape, shape), INPUTS, OUTPUTS, fp32)
    compare(scorer, fp32, [arrays_of(sample)], OUTPUTS)
    quantize_text_encoder(fp32, int8)
    return {
        "ONNX fp32": Runner(open_session(partial(_file, fp32)), OUTPUTS),
        "ONNX int8": Runner(open_session(partial(_file, int8)), OUTPUTS),
    }


def _file(path: Path, _provider: str) -> Path:
    return path


def arrays_of(pairs: PairTokens) -> dict[str, Any]:
    return dict(zip(INPUTS, (each.numpy() for each in pairs), strict=True))


def medians_ms(ways: dict[str, Sequence[Callable[[], object]]]) -> dict[str, float]:
    """The median wall time of each way; the ways take turns, after one first run of each."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for name, calls in ways.items():
        calls[0]()
        times[name] = []
    for turn in range(max(map(len, ways.values()))):
        for name, calls in ways.items():
            if turn < len(calls):
                started = time.perf_counter()
                calls[turn]()
                times[name].append(1e3 * (time.perf_counter() - started))
    return {name: float(np.median(spent)) for name, spent in times.items()}


def shown(estimate: Estimate | None) -> str:
    """The estimate as `.0312 ±.0041`; nothing for None."""
    return "–" if estimate is None else f"{estimate.value:.4f} ±{estimate.error:.4f}"


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="A cross-encoder beside the fusion model.")
    add_dataset(parser)
    parser.add_argument("--warm", type=float, default=0.5, help="share of events that train (0.5)")
    parser.add_argument("--events", type=int, default=600, help="how many to judge (600)")
    parser.add_argument("--pool", type=int, default=50, help="candidates to rerank (50)")
    parser.add_argument("--choices", type=int, default=1_200, help="to train the cross-encoder on (1200)")
    parser.add_argument("--rounds", type=int, default=3, help="at most this many passes over them (3)")
    parser.add_argument("--max-tokens", type=int, default=96, help="of both texts together (96)")
    parser.add_argument("--bfloat16", action="store_true", help="train in 16 bits, where the processor can")
    parser.add_argument("--timed", type=int, default=5, help="users to take times of (5)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    say = progress_bar()
    settings = Settings(seed=arguments.seed)
    dataset = dataset_from(arguments, settings)
    until = int(len(dataset.interactions) * arguments.warm)
    settings = adapted(settings, dataset.interactions, until)
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        encoder = text_encoder(registry, texts_of(dataset, until), settings, say)
        run = prepare(dataset, settings, encoder.project, say)
        memory = TextMemory({item: found.joined for item, found in dataset.items.items()})
        walk = Walk(run, memory, arguments.pool, np.random.default_rng(arguments.seed))
        collector = ExampleCollector(run.recommender, arguments.seed, shard_size=SHARD)
        choices = walk.warm(until, arguments.choices, collector, say)
        *shards, newest = collector.shards()
        fit(run, Collected(shards, [newest]), registry, "fusion", say)
        model = load_in_service(registry.get("fusion"), settings.model, run.recommender.pipeline.names)
        run.recommender.serve(model)
        ranked = walk.judge(arguments.events, say)

        cross = CrossEncoderSettings(
            seed=arguments.seed,
            max_tokens=arguments.max_tokens,
            schedule=Schedule(rounds=arguments.rounds, bfloat16=arguments.bfloat16),
        )
        tokenizer = load_tokenizer(cross.encoder)
        cut = int(len(choices) * (1 - HELD_OUT))

        def report(progress: Round) -> None:
            say(f"cross-encoder, round {progress.round + 1}", progress.step, progress.steps)

        scorer, losses = train_cross_encoder(tokenizer, choices[:cut], choices[cut:], cross, report)

        def fusion(batch: RankBatch, chosen: Sequence[int]) -> Scores:
            return model.score(batch, chosen, model.see(batch.users.of(chosen)))

        figures = _measure(scorer, tokenizer, cross, ranked, fusion, Path(folder), arguments.timed, say)
    print(f"{'':28} {'HR@10':>14} {'NDCG@10':>14} {'ms a user':>10}")
    for name, row in figures.items():
        print(f"{name:28} {shown(row['hr@10']):>14} {shown(row['ndcg@10']):>14} {row['ms'] or '–':>10}")
    if arguments.json is not None:
        report_file = {
            **made(command_line(sys.argv), PACKAGES),
            "events": len(ranked),
            "met item in the pool": sum(each.pool > 0 for each in ranked),
            "choices": len(choices),
            "held-out losses": losses,
            "rows": {
                name: {
                    each: value._asdict() if isinstance(value, Estimate) else value
                    for each, value in row.items()
                }
                for name, row in figures.items()
            },
        }
        arguments.json.write_text(json.dumps(report_file, indent=2) + "\n")


def _measure(
    scorer: CrossEncoder,
    tokenizer: PreTrainedTokenizerBase,
    settings: CrossEncoderSettings,
    ranked: Sequence[Ranked],
    fusion: Callable[[RankBatch, Sequence[int]], Any],
    folder: Path,
    timed: int,
    say: Progress,
) -> dict[str, dict[str, Any]]:
    """HR@10, NDCG@10 and ms a user of every ranker."""
    scored = [(each.choice, each.draft) for each in ranked if each.choice is not None]
    tokens = [
        pair_tokens(tokenizer, [choice.user] * len(choice.items), choice.items, settings.max_tokens)
        for choice, _ in scored
    ]
    runners = export_cross_encoder(scorer, PairTokens(*(each[:4] for each in tokens[0])), folder)
    exact, small = [], []
    for k, (choice, _) in enumerate(scored):
        exact.append(teacher_scores(scorer, tokenizer, [choice.user], [choice.items], settings.max_tokens)[0])
        small.append(runners["ONNX int8"].run(arrays_of(tokens[k]))[0])
        say("cross-encoder, judging", k + 1, len(scored))

    def in_torch(pairs: PairTokens) -> None:
        with torch.no_grad():
            scorer(*pairs)

    some = range(min(timed, len(scored)))
    pool = len(scored[0][0].items)
    ms = medians_ms(
        {
            "fusion, int8": [partial(fusion, _first(draft, pool), [0]) for _, draft in scored[: 20 * timed]],
            "cross-encoder, torch fp32": [partial(in_torch, tokens[k]) for k in some],
            "cross-encoder, ONNX fp32": [
                partial(runners["ONNX fp32"].run, arrays_of(tokens[k])) for k in some
            ],
            "cross-encoder, ONNX int8": [
                partial(runners["ONNX int8"].run, arrays_of(tokens[k])) for k in some
            ],
        }
    )
    ranks = {
        "order of the pool": [each.pool for each in ranked],
        "fusion, int8": [each.fusion for each in ranked],
        "cross-encoder, torch fp32": places(ranked, exact),
        "cross-encoder, ONNX int8": places(ranked, small),
    }
    return {
        name: {
            "hr@10": hit_rate(ranks[name]) if name in ranks else None,
            "ndcg@10": ndcg(ranks[name]) if name in ranks else None,
            "ms": round(ms[name], 3) if name in ms else None,
        }
        for name in dict.fromkeys((*ranks, *ms))
    }


def _first(draft: Draft, pool: int) -> RankBatch:
    """The draft with its best `pool` candidates alone."""
    return draft.batch.keep([(draft.number, np.arange(min(pool, len(draft.rows))))])


if __name__ == "__main__":
    main()
