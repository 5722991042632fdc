"""A graph that is kept gives the file that tracing the module itself would give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from export import to_onnx, traced
from export.manifest import ITEM_PART, RESCORER_FP32, USER_TOWER
from export.to_onnx import export_in_parts, frozen, write_onnx
from export.traced import graph_of, key_of
from tests.export.conftest import small_net

SAMPLE = (torch.ones(2, 3),)
ROWS = {0: torch.export.Dim("rows")}


class Two(nn.Module):
    """Two layers, a constant, and a choice in Python."""

    def __init__(self, wide: int = 4, shift: float = 1.0, squared: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, wide), nn.Linear(3, wide)
        self.shift = torch.full((wide,), shift)
        self.squared = squared

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.first(x) * self.second(x) + self.shift
        return made**2 if self.squared else made


def two(first: float, second: float, **options: Any) -> Two:
    """Each layer has one number in all places."""
    module = Two(**options)
    with torch.no_grad():
        for layer, value in ((module.first, first), (module.second, second)):
            layer.weight.fill_(value)
            layer.bias.fill_(value)
    return module


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_TRACED", str(tmp_path / "traced"))
    return tmp_path / "traced"


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What torch was asked to trace."""
    asked: list[object] = []
    export = torch.onnx.export

    def counted(module: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(module)
        return export(module, *arguments, **options)

    monkeypatch.setattr(torch.onnx, "export", counted)
    return asked


def written(module: nn.Module, path: Path) -> Path:
    write_onnx(module, SAMPLE, (ROWS,), ("x",), ("y",), path)
    return path


def of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports are torch's own from here on: traced, and optimized with the module's weights in place."""

    def whole(module: nn.Module, _asked: object, trace: Any, _folder: Path) -> ir.Model:
        return trace()  # type: ignore[no-any-return]

    def optimized(graph: ir.Model, _weights: object) -> ir.Model:
        from onnxscript.optimizer import optimize

        return optimize(graph)

    monkeypatch.setattr(to_onnx, "graph_of", whole)
    monkeypatch.setattr(to_onnx, "with_weights", optimized)


def told(path: Path) -> tuple[object, ...]:
    """All that an ONNX file says, whatever the names inside of it are."""
    graph = onnx.load(path).graph
    own = {each.name for each in (*graph.input, *graph.output)}
    names: dict[str, str] = {}

    def named(name: str) -> str:
        return name if name in own or not name else names.setdefault(name, f"value {len(names)}")

    nodes = [
        (
            each.op_type,
            [named(name) for name in each.input],
            [named(name) for name in each.output],
            sorted(map(str, each.attribute)),
        )
        for each in graph.node
    ]
    constants = {
        named(each.name): (
            each.data_type,
            numpy_helper.to_array(each).shape,
            numpy_helper.to_array(each).tobytes(),
        )
        for each in graph.initializer
    }
    return nodes, constants, list(map(str, graph.input)), list(map(str, graph.output))


def test_a_second_network_has_the_files_that_torch_makes_of_it(
    tmp_path: Path, traces: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, theirs = (tmp_path / name for name in ("first", "second", "theirs"))
    for each in (first, second, theirs):
        each.mkdir()
    export_in_parts(small_net(1), first)
    assert len(traces) == 3
    export_in_parts(small_net(2), second)
    assert len(traces) == 3
    of_torch(monkeypatch)
    export_in_parts(small_net(2), theirs)
    assert len(traces) == 6
    for name in (ITEM_PART, USER_TOWER, RESCORER_FP32):
        assert told(second / name) == told(theirs / name)
        assert told(second / name) != told(first / name)


@pytest.mark.parametrize(("before", "now"), [((1, 1), (1, 2)), ((1, 2), (1, 1)), ((0, 0), (3, 0))])
def test_equal_weights_are_joined_only_where_they_are_equal(
    before: tuple[float, float], now: tuple[float, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(two(*before), tmp_path / "before.onnx")
    kept = written(two(*now), tmp_path / "kept.onnx")
    of_torch(monkeypatch)
    assert told(kept) == told(written(two(*now), tmp_path / "theirs.onnx"))


def test_a_graph_that_was_read_gives_the_bytes_of_one_that_was_traced(
    tmp_path: Path, traces: list[object]
) -> None:
    one, other = written(two(1, 2), tmp_path / "one.onnx"), written(two(1, 2), tmp_path / "other.onnx")
    assert len(traces) == 1
    assert one.read_bytes() == other.read_bytes()


def test_what_is_damaged_is_made_anew(tmp_path: Path, traces: list[object], folder: Path) -> None:
    one = written(two(1, 2), tmp_path / "one.onnx")
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert written(two(1, 2), tmp_path / "other.onnx").read_bytes() == one.read_bytes()
    assert len(traces) == 2
    assert kept.read_bytes() == whole


def test_a_folder_that_cant_be_made_keeps_nothing(tmp_path: Path, folder: Path) -> None:
    folder.write_text("a file is in its place")
    assert written(two(1, 2), tmp_path / "one.onnx").exists()


def key(module: nn.Module, *asked: object) -> str:
    found = key_of(frozen(module), asked)
    assert found is not None
    return found


def test_the_key_is_of_the_graph_and_not_of_the_weights() -> None:
    assert key(two(1, 2)) == key(two(3, 3))
    tied = two(1, 2)
    tied.second.weight = tied.first.weight
    trained = two(1, 2)
    trained.second.bias = None  # type: ignore[assignment]
    others = [
        key(two(1, 2, wide=5)),
        key(two(1, 2, shift=2.0)),
        key(two(1, 2, squared=True)),
        key(tied),
        key(trained),
        key(two(1, 2), "another shape"),
    ]
    assert len({key(two(1, 2)), *others}) == 1 + len(others)


def test_the_key_changes_with_the_code_of_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traced, "MODEL", tmp_path)
    found = [key(two(1, 2))]
    (tmp_path / "towers.py").write_text("first")
    found.append(key(two(1, 2)))
    (tmp_path / "towers.py").write_text("second")
    found.append(key(two(1, 2)))
    assert len(set(found)) == 3


def test_what_cant_be_told_is_traced_each_time(folder: Path) -> None:
    module = two(1, 2)
    module.choose = lambda: 1  # type: ignore[assignment]
    calls = []

    def trace() -> ir.Model:
        calls.append(1)
        return ir.Model(ir.Graph([], [], nodes=[], opset_imports={"": 20}), ir_version=10)

    for _ in range(2):
        graph_of(module, [], trace, folder)
    assert len(calls) == 2
    assert not folder.exists()
