"""What it costs to see users and to score their candidates, by batch size, precision and provider.

Each variant is one file of a model on one provider. All variants take turns, so that a busy machine is fair
to all. It needs no training, no broker and no store: a model folder is enough on a GPU machine. With onnx it
measures fp16 too, and counts nodes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from export.compiled_parts import open_compiled
from export.in_parts import InParts, open_rescorer
from export.manifest import IN_ONE, RESCORER, RESCORER_FP32, USER_TOWER, Manifest, read_manifest
from export.providers import COMPILED
from export.random_inputs import random_inputs
from export.session import Rescorer, UserTower, open_session
from model.errors import ProviderError, UnknownNetworkError
from model.schema import F32, RescorerInputs, Schema

WARM_UP = 5
Step = Callable[[], object]


@dataclass(frozen=True)
class Variant:
    """One model's file on one provider. `nodes`: of the user tower and of the rescorer, as onnxruntime runs
    them after its own optimization; None for compiled code, and where onnx is not installed. `users`: of the
    first layout, where the tower is a session of its own.
    """

    model: str
    precision: str
    rescorer: Rescorer | InParts
    users: UserTower | None
    nodes: tuple[int, int] | None


@dataclass(frozen=True)
class RescoringRow:
    """CPU time of the process in microseconds for each user of a batch, and wall time of the whole batch.

    `click_error`: the mean distance of a click logit from the same model in fp32 on the CPU, on random
    inputs.
    """

    model: str
    precision: str
    provider: str
    users: int
    nodes: tuple[int, int] | None
    tower_us: float
    rescoring_us: float
    p50_ms: float
    p99_ms: float
    click_error: float


def open_variants(
    folder: Path, providers: Sequence[str], threads: int, scratch: Path
) -> tuple[list[Variant], dict[str, str]]:
    """The variants that run here, and why the others can't. GPUs lack dynamic int8, x86 most fp16 kernels.

    `scratch`: a folder for files that no model folder holds.
    """
    manifest = read_manifest(folder, Manifest)
    schema = manifest.model_schema
    found: list[Variant] = []
    missing: dict[str, str] = {}
    for provider in providers:
        files = {manifest.precision: folder / RESCORER, "fp32": folder / RESCORER_FP32}
        if provider == COMPILED:
            files = {"fp32": folder / RESCORER_FP32}
        elif provider != "cpu":
            files = {"fp32": folder / RESCORER_FP32}
            if find_spec("onnx") is not None:
                files["fp16"] = _halved(folder, scratch)
            else:
                missing[f"fp16 on {provider}"] = "onnx is not installed; pip install 'headrace[train]'"
        for precision, path in files.items():
            try:
                if provider == COMPILED:
                    rescorer: Rescorer | InParts = open_compiled(folder, schema)
                else:
                    rescorer = open_rescorer(path, schema, folder, (provider,), threads)
            except (ProviderError, UnknownNetworkError) as error:
                missing[provider] = str(error)
                break
            users = None
            if manifest.layout == IN_ONE:
                opened = open_session(lambda _provider: folder / USER_TOWER, (provider,), threads=threads)
                users = UserTower(opened, schema)
            nodes = None if provider == COMPILED else _nodes(folder / USER_TOWER, path, scratch)
            found.append(Variant(manifest.name, precision, rescorer, users, nodes))
    return found, missing


def measure(
    variants: Sequence[Variant], schema: Schema, users: int, candidates: int, runs: int
) -> list[RescoringRow]:
    """Each variant `runs` times, in turns, for `users` with `candidates` each."""
    inputs = random_inputs(schema, users, candidates)
    steps = [_steps(variant, inputs) for variant in variants]
    wall, tower, rescoring = (np.zeros((len(variants), runs)) for _ in range(3))
    for run in range(-WARM_UP, runs):
        for k, (see, score) in enumerate(steps):
            started, before = time.perf_counter(), time.process_time()
            see()
            between = time.process_time()
            score()
            after = time.process_time()
            if run >= 0:
                wall[k, run] = time.perf_counter() - started
                tower[k, run], rescoring[k, run] = between - before, after - between
    exact = {
        each.model: each for each in variants if (each.precision, each.rescorer.provider) == ("fp32", "cpu")
    }
    rows = []
    for k, variant in enumerate(variants):
        clicks: list[F32] = [
            each.rescorer.score(inputs).click for each in (variant, exact.get(variant.model, variant))
        ]
        p50, p99 = np.quantile(wall[k], [0.5, 0.99])
        rows.append(
            RescoringRow(
                variant.model,
                variant.precision,
                variant.rescorer.provider,
                users,
                variant.nodes,
                round(1e6 * float(np.median(tower[k])) / users, 1),
                round(1e6 * float(np.median(rescoring[k])) / users, 1),
                round(1e3 * float(p50), 4),
                round(1e3 * float(p99), 4),
                round(float(np.abs(clicks[0] - clicks[1]).mean()), 6),
            )
        )
    return rows


def bench_rescoring(
    folders: Sequence[Path],
    providers: Sequence[str] = ("cpu",),
    users: Sequence[int] = (1, 3, 16, 64),
    candidates: int = 120,
    runs: int = 200,
    threads: int = 1,
) -> tuple[list[RescoringRow], dict[str, str]]:
    """The rows of these models, which may be of different layouts and share a schema's shapes, and the
    providers that did not run, with the reason.
    """
    variants: list[Variant] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for folder in folders:
            found, not_there = open_variants(folder, providers, threads, Path(scratch))
            variants += found
            missing |= not_there
        schema = read_manifest(folders[0], Manifest).model_schema
        rows = [row for size in users for row in measure(variants, schema, size, candidates, runs)]
    return rows, missing


def _steps(variant: Variant, inputs: RescorerInputs) -> tuple[Step, Step]:
    """To see the users, and to score their candidates, as a worker does it."""
    users, rescorer = variant.users, variant.rescorer
    if isinstance(rescorer, InParts):
        items, asked = rescorer.flat(inputs)
        seen = rescorer.see(inputs.of_users)
        return (lambda: rescorer.see(inputs.of_users)), (lambda: rescorer.rescore(seen, items, asked))
    assert users is not None
    return (lambda: users.vectors(inputs.of_users)), (lambda: rescorer.score(inputs))


def _halved(folder: Path, scratch: Path) -> Path:
    from export.half import halve_rescorer  # needs onnx, which serving does not

    path = scratch / f"{folder.name}.fp16.onnx"
    if not path.exists():
        halve_rescorer(folder / RESCORER_FP32, path)
    return path


def _nodes(users: Path, rescorer: Path, scratch: Path) -> tuple[int, int] | None:
    """How many nodes onnxruntime runs for each file on a CPU."""
    if find_spec("onnx") is None:
        return None
    import onnx

    from export.session import optimized

    first, second = (len(onnx.load(optimized(path, scratch)).graph.node) for path in (users, rescorer))
    return first, second
