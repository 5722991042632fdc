"""`headrace bench rescoring` from its words to its files."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from export.manifest import Manifest, read_manifest, write_manifest
from export.registry import Registry
from streams.bench.cases import Measured
from streams.commands.main import main
from tests.export.conftest import small_registry

WORDS = ("bench", "rescoring", "--users", "1,3", "--candidates", "9", "--runs", "2")


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    registry, made = Registry(tmp_path / "models"), small_registry().get("first")
    for name in ("one", "other"):
        with registry.adding(name) as place:
            shutil.copytree(made, place, dirs_exist_ok=True)
            write_manifest(place, msgspec.structs.replace(read_manifest(place, Manifest), name=name))
    return [str(registry.get(name)) for name in ("one", "other")]


def test_one_model_is_a_case_for_each_file_and_size(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "it.json"
    assert main([*WORDS, "--model", folders[0], "--json", str(out)]) == 0
    measured = msgspec.json.decode(out.read_bytes(), type=Measured)
    ways = ("fp32, compiled", "int8, cpu", "fp32, cpu")
    assert [case.name for case in measured.cases] == [
        f"{way}, {users}" for users in ("1 user", "3 users") for way in ways
    ]
    for case in measured.cases:
        assert {*case.cpu_us} == {"seeing users", "scoring candidates"}
        nodes = [each for name, each in case.figures.items() if name.endswith("nodes")]
        assert len(nodes) == (0 if ", compiled, " in case.name else 2)
        assert min(nodes, default=11) > 10
    said = capsys.readouterr().out
    assert (said.count(", cpu, "), said.count(", compiled, ")) == (4, 2)


def test_cases_of_several_models_have_their_names(folders: list[str], tmp_path: Path) -> None:
    out = tmp_path / "it.json"
    assert main([*WORDS, "--model", *folders, "--json", str(out)]) == 0
    names = [case.name for case in msgspec.json.decode(out.read_bytes(), type=Measured).cases]
    assert len(set(names)) == 12
    assert {name.split(", ")[0] for name in names} == {"one", "other"}
