"""A graph as a program: a tape, and an arena with the constants in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from export.forward import instructions as kinds
from export.forward.lowering import Lowering
from export.forward.machine import execute
from export.forward.onnx_file import read_graph
from export.forward.tape import Instruction, placed
from export.forward.values import Root, Value, by_rows
from model.schema import F32


class Place(NamedTuple):
    """Where an array lies in the arena, its numbers one after the other."""

    start: int
    shape: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.start + int(np.prod(self.shape))


class Program(NamedTuple):
    """`arena`: as each thread gets a copy of it. Inputs and outputs lie in its start, in order."""

    tape: NDArray[np.uint64]
    arena: F32
    inputs: Mapping[str, Place]
    outputs: Mapping[str, Place]

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, F32]:
        """For tests and checks; what serves fills the arena itself."""
        arena = self.arena.copy()
        for name, place in self.inputs.items():
            arena[place.start : place.end] = inputs[name].reshape(-1)
        execute(self.tape, arena)
        return {
            name: arena[place.start : place.end].reshape(place.shape) for name, place in self.outputs.items()
        }


def compile_graph(path: Path, sizes: Mapping[str, int]) -> Program:
    """The file's graph for inputs whose free sizes are `sizes`; `UnknownNetworkError` where it can't be."""
    graph = read_graph(path)
    lowering = Lowering(graph, sizes)
    lowering.run()
    results = {name: lowering.values[name] for name in graph.outputs}
    # Side by side in roots that hold nothing else, each in one piece of the arena.
    takes = _beside([lowering.values[name] for name in graph.inputs])
    gives = Root(np.zeros(sum(each.view.size for each in results.values()), np.float32))
    outputs, tape, start = {}, list(lowering.write.tape), 0
    for name, value in results.items():
        outputs[name] = Place(start, value.shape)
        at = Value(gives.numbers[start : (start := start + value.view.size)].reshape(value.shape), gives)
        found = by_rows([at, value])
        assert found is not None
        tape.append(Instruction(kinds.COPY, found[0], found[1][0], (found[1][1],)))
    rows, arena, places = placed(tape, [*takes, gives])
    inputs = {
        name: Place(places[id(root)], lowering.values[name].shape)
        for name, root in zip(graph.inputs, takes, strict=True)
    }
    base = places[id(gives)]
    return Program(
        rows, arena, inputs, {name: Place(base + each.start, each.shape) for name, each in outputs.items()}
    )


def _beside(values: list[Value]) -> list[Root]:
    roots = [each.root for each in values]
    return [root for root in roots if root is not None]
