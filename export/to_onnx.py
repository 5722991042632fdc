"""From torch to ONNX files, each compared with its module on random inputs before it is believed."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from export.parity import Score
from export.providers import Opened
from export.random_inputs import random_inputs
from export.session import Runner, open_session
from model.errors import ParityError
from model.schema import (
    F32,
    RESCORER_INPUTS,
    RESCORER_OUTPUTS,
    TOWER_INPUTS,
    TOWER_OUTPUTS,
    RescorerInputs,
    Schema,
    Scores,
)

TOLERANCE = 1e-3
"""Largest difference between torch and fp32 ONNX, relative to the values' size (at least 1)."""

Arrays = dict[str, np.ndarray[Any, Any]]


def export_rescorer(rescorer: nn.Module, schema: Schema, path: Path) -> None:
    """Write the rescorer with free numbers of users and candidates; `ParityError` where torch disagrees."""
    users, candidates = torch.export.Dim("users"), torch.export.Dim("candidates")
    sample = _tensors(random_inputs(schema, 2, 5))
    shapes = tuple(
        {0: users, 1: candidates} if name.startswith("candidate_") else {0: users} for name in RESCORER_INPUTS
    )
    write_onnx(rescorer, sample, shapes, RESCORER_INPUTS, RESCORER_OUTPUTS, path)
    checks = [
        dict(zip(RESCORER_INPUTS, random_inputs(schema, *size, seed=7), strict=True))
        for size in ((1, 1), (1, 200), (3, 17))
    ]
    compare(rescorer, path, checks, RESCORER_OUTPUTS)


def export_tower(tower: nn.Module, schema: Schema, vocabulary: int, path: Path) -> None:
    """Write the item tower with a free number of items; `vocabulary`: the largest id it knows."""
    items = torch.export.Dim("items")
    rng = np.random.default_rng(7)

    def arrays(count: int) -> Arrays:
        text = rng.standard_normal((count, schema.text_dim), np.float32)
        return {"id": rng.integers(0, vocabulary + 1, count), "text": text}

    write_onnx(
        tower, _tensors(arrays(2).values()), ({0: items}, {0: items}), TOWER_INPUTS, TOWER_OUTPUTS, path
    )
    compare(tower, path, [arrays(1), arrays(33)], TOWER_OUTPUTS)


def torch_scores(rescorer: nn.Module) -> Score:
    """The checkpoint's rescorer as a function of arrays, the reference of the parity gate."""
    module = frozen(rescorer)

    def score(inputs: RescorerInputs) -> Scores:
        with torch.no_grad():
            click, rating = module(*_tensors(inputs))
        return Scores(click.numpy(), rating.numpy())

    return score


def frozen(module: nn.Module) -> nn.Module:
    """A copy on the CPU, in fp32 and in evaluation mode; the module itself stays as it is."""
    return copy.deepcopy(module).cpu().float().eval()


def write_onnx(
    module: nn.Module,
    sample: Sequence[Tensor],
    dynamic_shapes: Sequence[dict[int, Any]],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Trace with `torch.export` and write one self-contained file."""
    with _quiet():
        program = torch.onnx.export(
            frozen(module),
            tuple(sample),
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple(dynamic_shapes),
        )
    if program is None:
        raise ParityError(f"{path}: torch made no ONNX program; check torch and onnxscript")
    program.save(path, external_data=False)


def compare(module: nn.Module, path: Path, checks: Sequence[Arrays], outputs: Sequence[str]) -> None:
    """Run `checks` through the module and through the file on the CPU; `ParityError` where they differ."""
    reference = frozen(module)
    opened: Opened = open_session(lambda _provider: path)
    runner = Runner(opened, outputs)
    for arrays in checks:
        with torch.no_grad():
            answer = reference(*_tensors(arrays.values()))
        expected = [answer] if isinstance(answer, Tensor) else list(answer)
        for name, want, found in zip(outputs, expected, runner.run(arrays), strict=True):
            error = _error(want.numpy(), found)
            if not error <= TOLERANCE:
                sizes = {each: value.shape for each, value in arrays.items()}
                raise ParityError(
                    f"{path.name}: {name} differs from torch by {error:.3g} (at most {TOLERANCE:g}); "
                    f"the sizes were {sizes}; the module may do something that does not export"
                )


def _error(want: F32, found: F32) -> float:
    if want.shape != found.shape:
        return float("inf")
    return float(np.max(np.abs(want - found) / np.maximum(np.abs(want), 1.0), initial=0.0))


def _tensors(arrays: Any) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter says that torchvision is missing, and that axes share a name: neither is news here."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
