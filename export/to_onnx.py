"""From torch to ONNX files; the export compares each file with its module on random inputs."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from export.manifest import ITEM_PART, RESCORER_FP32, USER_TOWER
from export.parity import Score
from export.providers import Opened
from export.random_inputs import random_inputs
from export.session import Runner, open_session
from export.traced import graph_of, traced_folder, with_weights
from model.errors import ParityError
from model.hashing import ATTRIBUTE_BUCKETS
from model.in_parts import CandidatePart, ItemPart, UserPart, item_part_names
from model.network import FusionNet
from model.schema import (
    F32,
    TOWER_INPUTS,
    TOWER_OUTPUTS,
    USER_INPUTS,
    USER_OUTPUTS,
    USER_PART,
    RescorerInputs,
    Schema,
    Scores,
)

TOLERANCE = 1e-3
"""Largest difference between torch and fp32 ONNX, relative to the values' size (at least 1)."""

Arrays = dict[str, np.ndarray[Any, Any]]


def export_in_parts(net: FusionNet, folder: Path) -> None:
    """Write the three files that score candidates into `folder`: the parts of items, of users (with the user
    tower) and of candidates in fp32, each for any number of rows; `ParityError` if torch disagrees.
    """
    whole = frozen(net)
    items, users, scores = ItemPart(whole), UserPart(whole), CandidatePart(whole)
    names = item_part_names(whole)
    rescorer = (*USER_PART[1:], "candidate_texts", "candidate_features", *names)
    rows, people = torch.export.Dim("items"), torch.export.Dim("users")
    candidates = torch.export.Dim("candidates")
    sample = random_inputs(net.schema, 2, 5)
    vectors = sample.candidate_vectors[0]
    with torch.no_grad():
        write_onnx(items, _tensors([vectors]), ({0: rows},), ("vectors",), names, folder / ITEM_PART)
        known = tuple({0: people} for _ in USER_INPUTS)
        write_onnx(users, _tensors(sample.of_users), (known,), USER_INPUTS, USER_PART, folder / USER_TOWER)
        inputs = _of_parts(items, users, sample, net.schema)
        shapes = [
            {0: people, 1: candidates} if each.startswith("candidate_") else {0: people} for each in rescorer
        ]
        further = tuple(shapes[-len(names) :])
        write_onnx(
            scores,
            inputs,
            (*shapes[: -len(names)], further),
            rescorer,
            net.schema.tasks,
            folder / RESCORER_FP32,
        )
    people_and_candidates = ((1, 1), (1, 200), (3, 17))
    checks = [random_inputs(net.schema, *size, seed=7) for size in people_and_candidates]
    some: list[Arrays] = [{"vectors": each.candidate_vectors[0]} for each in checks]
    compare(items, folder / ITEM_PART, some, names)
    told: list[Arrays] = [dict(zip(USER_INPUTS, each.of_users, strict=True)) for each in checks]
    compare(users, folder / USER_TOWER, told, USER_PART)
    compare(net.finding(), folder / USER_TOWER, told, USER_OUTPUTS)
    for each in checks:
        with torch.no_grad():
            arrays = [tensor.numpy() for tensor in _of_parts(items, users, each, net.schema)]
        given = dict(zip(rescorer, arrays, strict=True))
        expected = torch_scores(net)(each)
        agree(
            folder / RESCORER_FP32, (expected.click, expected.rating, *expected.more), given, net.schema.tasks
        )


def _of_parts(
    items: nn.Module, users: nn.Module, given: RescorerInputs, schema: Schema
) -> tuple[Tensor, ...]:
    """The inputs of the candidates' part, in order."""
    _, *of_users = users(*_tensors(given.of_users))
    vectors, features = _tensors([given.candidate_vectors, given.candidate_features])
    return (*of_users, vectors[..., schema.item_dim // 2 :].contiguous(), features, *items(vectors))


def export_users(net: FusionNet, path: Path) -> None:
    """Write a user tower alone, with a free number of users; `ParityError` if torch disagrees."""
    schema, finding = net.schema, net.finding()
    users = torch.export.Dim("users")

    def inputs(count: int, seed: int) -> Arrays:
        return dict(zip(USER_INPUTS, random_inputs(schema, count, 1, seed)[: len(USER_INPUTS)], strict=True))

    shapes = tuple({0: users} for _ in USER_INPUTS)
    write_onnx(finding, _tensors(inputs(2, 0).values()), (shapes,), USER_INPUTS, USER_OUTPUTS, path)
    compare(finding, path, [inputs(1, 7), inputs(3, 7)], USER_OUTPUTS)


def export_tower(net: FusionNet, path: Path) -> None:
    """Write the item tower with a free number of items; `ParityError` if torch disagrees."""
    schema, tower = net.schema, net.item_tower
    items = torch.export.Dim("items")
    rng = np.random.default_rng(7)

    def arrays(count: int) -> Arrays:
        content = {
            name: rng.standard_normal((count, dim), np.float32) for name, dim in schema.modalities.items()
        }
        return {
            "id": rng.integers(0, net.items + 1, count),
            "text": rng.standard_normal((count, schema.text_dim), np.float32),
            "attributes": rng.integers(0, ATTRIBUTE_BUCKETS + 1, (count, schema.attributes)),
            **content,
        }

    named = ({0: items},) * len(TOWER_INPUTS)
    content = (({0: items},) * len(schema.modalities),) if schema.modalities else ()
    write_onnx(
        tower, _tensors(arrays(2).values()), (*named, *content), schema.tower_inputs, TOWER_OUTPUTS, path
    )
    compare(tower, path, [arrays(1), arrays(33)], TOWER_OUTPUTS)


def torch_scores(net: FusionNet) -> Score:
    """The checkpoint's rescorer as a function of arrays, the reference of the parity gate."""
    module = frozen(net.scoring())

    def score(inputs: RescorerInputs) -> Scores:
        with torch.no_grad():
            click, rating, *more = module(*_tensors(inputs))
        return Scores(click.numpy(), rating.numpy(), tuple(each.numpy() for each in more))

    return score


Module = TypeVar("Module", bound=nn.Module)


def frozen(module: Module) -> Module:
    """A copy on the CPU, in fp32 and in evaluation mode; the module itself stays as it is."""
    return copy.deepcopy(module).cpu().float().eval()


def write_onnx(
    module: nn.Module,
    sample: Sequence[Tensor],
    dynamic_shapes: Sequence[Any],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Trace with `torch.export`, unless the graph is kept, and write one self-contained file."""
    still, arguments = frozen(module), tuple(sample)

    def trace() -> ir.Model:
        with _quiet():
            program = torch.onnx.export(
                still,
                arguments,
                dynamo=True,
                verbose=False,
                optimize=False,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=tuple(dynamic_shapes),
            )
        if program is None:
            raise ParityError(f"{path}: torch made no ONNX program; check torch and onnxscript")
        # torch's notes on each node, with the paths of its sources, are a third of the file.
        program.model.graph.metadata_props.clear()
        for node in program.model.graph.all_nodes():
            node.metadata_props.clear()
        return program.model

    shapes = [(each.shape, each.dtype) for each in arguments]
    graph = graph_of(still, [shapes, dynamic_shapes, inputs, outputs], trace, traced_folder())
    with _quiet():
        ir.save(with_weights(graph, still.state_dict()), path)


def compare(module: nn.Module, path: Path, checks: Sequence[Arrays], outputs: Sequence[str]) -> None:
    """Run `checks` through the module and through the file on the CPU; `ParityError` if they differ."""
    reference = frozen(module)
    for arrays in checks:
        with torch.no_grad():
            answer = reference(*_tensors(arrays.values()))
        expected = [answer] if isinstance(answer, Tensor) else list(answer)
        agree(path, [each.numpy() for each in expected], arrays, outputs)


def agree(path: Path, expected: Sequence[F32], given: Arrays, outputs: Sequence[str]) -> None:
    """Run the file on the CPU; `ParityError` if it gives anything else than `expected`."""
    opened: Opened = open_session(lambda _provider: path)
    for name, want, found in zip(outputs, expected, Runner(opened, outputs).run(given), strict=True):
        error = _error(want, found)
        if not error <= TOLERANCE:
            sizes = {each: value.shape for each, value in given.items()}
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
    """Silence the exporter's warnings that torchvision is missing and that axes share a name."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
