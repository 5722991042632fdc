"""The graph that torch traces of a module, kept on disk without the weights.

A graph depends on what a module is: its classes and their code, its sizes, the shapes of its inputs. It does
not depend on the weights, so a renewed model has the graph of the model before. To trace it takes seconds, to
read it and to fill in weights milliseconds. What looks at the weights (the folding of constants, equal ones
that become one) comes after, for each model.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import os
import pickle
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx_ir as ir
from onnx import ModelProto
from torch import Tensor, nn

from model.cache_folder import cache_folder

TRACERS = ("torch", "onnx", "onnx-ir", "onnxscript", "transformers")
WEIGHT = "weight of the module: "
MODEL = Path(__file__).parents[1] / "model"


def traced_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where graphs are kept: `HEADRACE_TRACED`, else `traced` in the cache folder.

    >>> traced_folder({"HEADRACE_CACHE": "/c"}).as_posix()
    '/c/traced'
    >>> traced_folder({"HEADRACE_TRACED": "/mine", "HEADRACE_CACHE": "/c"}).as_posix()
    '/mine'
    """
    return Path(environ.get("HEADRACE_TRACED") or cache_folder(environ) / "traced")


def graph_of(
    module: nn.Module, asked: Sequence[object], trace: Callable[[], ir.Model], folder: Path
) -> ir.Model:
    """The graph of `module`, not optimized, with inputs in place of the weights: as it lies in `folder`, else
    as `trace` gives it. asked: all else that the graph depends on, as `repr` tells it.
    """
    key = key_of(module, asked)
    path = folder / f"{key}.onnx"
    if key is not None:
        with suppress(Exception):  # it is not there, or not whole
            found: ir.Model = ir.load(path)
            return found
    written = ir.to_proto(_without(module.state_dict(), trace())).SerializeToString()
    if key is not None:
        with suppress(OSError):  # a folder that can't be written
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=folder) as beside:
                part = Path(beside, path.name)
                part.write_bytes(written)
                part.replace(path)
    # Read back in any case: a graph from the folder and one that was traced get the same names.
    made: ir.Model = ir.from_proto(ModelProto.FromString(written))
    return made


def _without(weights: Container[str], graph: ir.Model) -> ir.Model:
    """The same graph; of its initializers the weights are its last inputs now."""
    for name in [each for each in graph.graph.initializers if each in weights]:
        value = graph.graph.initializers.pop(name)
        value.name, value.const_value = f"{WEIGHT}{name}", None  # an input may have the name of a weight
        graph.graph.inputs.append(value)
    return graph


def with_weights(graph: ir.Model, weights: Mapping[str, Tensor]) -> ir.Model:
    """The same graph, optimized, with initializers in place of the inputs that stand for weights."""
    from onnxscript.optimizer import optimize  # takes a second, and many processes export nothing

    for value in [each for each in graph.graph.inputs if (each.name or "").startswith(WEIGHT)]:
        graph.graph.inputs.remove(value)
        value.name = name = (value.name or "").removeprefix(WEIGHT)
        value.const_value = ir.tensor(weights[name].detach().numpy(), name=name)
        graph.graph.register_initializer(value)
    optimized: ir.Model = optimize(graph)
    return optimized


def key_of(module: nn.Module, asked: Sequence[object]) -> str | None:
    """A digest of all that the graph depends on; None where the module holds what can't be told."""
    told = io.BytesIO()
    without = _WithoutWeights(told, module)
    try:
        without.dump(module)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError):
        return None
    said = hashlib.sha256(told.getvalue())
    said.update(repr((list(asked), [(name, version(name)) for name in TRACERS])).encode())
    files = {Path(inspect.getfile(type(each))) for each in module.modules()}
    for file in sorted({*files, *MODEL.rglob("*.py")}):
        said.update(hashlib.sha256(file.read_bytes()).digest())
    return said.hexdigest()


class _WithoutWeights(pickle.Pickler):
    """All that a module holds; of each weight its name and shape alone. Equal modules make equal bytes."""

    def __init__(self, file: io.BytesIO, module: nn.Module) -> None:
        super().__init__(file, protocol=5)
        self.fast = True  # else bytes differ where one object is held twice and where two equal ones are
        # Of a weight that two names share the first one counts.
        named = reversed(module.state_dict(keep_vars=True).items())
        self._names = {id(tensor): name for name, tensor in named}

    def persistent_id(self, obj: object) -> object:
        if not isinstance(obj, Tensor):
            return None
        what = (tuple(obj.shape), str(obj.dtype))
        if name := self._names.get(id(obj)):
            return name, *what
        return "constant", *what, obj.detach().contiguous().numpy().tobytes()
