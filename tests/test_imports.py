"""The rules of who may import whom: that import-linter's lists are complete, and that processes obey them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Rooms that talk to the outside, read models, or train; everything else in `streams` is the core.
SHELL = {
    "streams.bench",
    "streams.commands",
    "streams.datasets",
    "streams.demo",
    "streams.gateway",
    "streams.gc_pauses",
    "streams.kafka",
    "streams.local",
    "streams.offline.building",
    "streams.examples.folder",
    "streams.examples.logged_shapes",
    "streams.offline.renewal",
    "streams.offline.replay",
    "streams.offline.reports",
    "streams.offline.simulation",
    "streams.offline.stream_driver",
    "streams.offline.text_tuning",
    "streams.offline.training",
    "streams.offline.whatif",
    "streams.serving",
    "streams.stores.redis",
    "streams.tracing",
    "streams.worker",
}


def contract(name: str) -> dict[str, list[str]]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    found: dict[str, list[str]] = next(entry for entry in contracts if entry["name"].startswith(name))
    return found


def modules_of(package: str) -> set[str]:
    """Every module of a package that is not a package itself."""
    files = (ROOT / package).rglob("*.py")
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.name != "__init__.py"
    }


def covered(module: str, rooms: set[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def test_core_contract_names_every_module_outside_the_shell() -> None:
    core = set(contract("The core is pure")["source_modules"])
    modules = modules_of("streams")
    assert {module for module in modules if covered(module, core)} == {
        module for module in modules if not covered(module, SHELL)
    }


@pytest.mark.parametrize("name", ["The core is pure", "Workers and gateway run without torch"])
def test_contracts_name_only_what_exists(name: str) -> None:
    existing = {module for package in ("streams", "export", "model") for module in modules_of(package)}
    for room in contract(name)["source_modules"]:
        assert any(covered(module, {room}) for module in existing), (
            f"{room} is gone; take it out of pyproject.toml"
        )


WITHOUT_TRAINING = """
import importlib, sys
for name in "torch transformers safetensors onnx onnxscript pandas plotly sklearn scipy".split():
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.mark.parametrize("room", ["streams.worker", "streams.gateway"])
def test_process_imports_where_torch_cannot_be_imported(room: str) -> None:
    modules = sorted(modules_of(room.replace(".", "/")))
    assert modules, f"{room} has no modules"
    command = [sys.executable, "-c", WITHOUT_TRAINING, *modules]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
