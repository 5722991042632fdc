"""What is imported is declared, and what is declared is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = {"streams", "model", "export", "tests", "benchmarks", "ops"}

# Used without an import of ours, each for the reason given.
NEVER_IMPORTED = {
    "import-linter": "a program",
    "mypy": "a program",
    "onnxruntime-gpu": "the same module as onnxruntime",
    "openapi-python-client": "a program",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "river": "by name, where the settings name a detector or a classifier of it",
    "ruff": "a program",
    "types-jsonschema": "types for mypy",
    "types-psutil": "types for mypy",
    "types-pyyaml": "types for mypy",
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def declared() -> dict[str, set[str]]:
    """The names of each group of requirements; "" for those of every installation."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {
        group: {canonical(re.split(r"[\[<>=;]", line)[0]) for line in lines}
        for group, lines in groups.items()
    }


def imported(folder: str) -> Iterator[tuple[str, Path]]:
    """The top-level name of every import, with literal names given to importlib, and its file."""
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Import(names=names):
                    yield from ((alias.name.split(".")[0], file) for alias in names)
                case ast.ImportFrom(module=str(module), level=0):
                    yield module.split(".")[0], file
                case ast.Call(
                    func=ast.Attribute(attr="import_module" | "find_spec") | ast.Name(id="from_demo_extra"),
                    args=[ast.Constant(value=str(name))],
                ):
                    yield name.split(".")[0], file


@cache
def requirements_of(folder: str) -> dict[str, Path]:
    """The distribution of each third-party import in a folder, and a file that needs it."""
    provided = packages_distributions()
    found: dict[str, Path] = {}
    for name, file in imported(folder):
        if name not in sys.stdlib_module_names and name not in OURS:
            assert name in provided, f"{file}: {name} is imported but not installed"
            wanted = {canonical(distribution) for distribution in provided[name]}
            everything = set.union(*declared().values())
            # Several distributions may share a name: opentelemetry is a name alone.
            for distribution in wanted & everything or {min(wanted)}:
                found.setdefault(distribution, file)
    return found


def test_every_import_is_declared() -> None:
    groups = declared()
    for folder in sorted(OURS):
        allowed = set.union(*groups.values()) | pinned("data.txt")
        if folder in {"streams", "model", "export"}:
            allowed -= groups["dev"]
        for name, file in requirements_of(folder).items():
            assert name in allowed, (
                f"{file} imports {name}, which pyproject.toml does not declare for {folder}"
            )


def test_every_declared_requirement_is_used() -> None:
    used = {name for folder in OURS for name in requirements_of(folder)}
    assert set.union(*declared().values()) - used == set(NEVER_IMPORTED)


def test_worker_and_gateway_need_no_extra() -> None:
    groups = declared()
    for folder in ("streams/worker", "streams/gateway"):
        for name, file in requirements_of(folder).items():
            assert name in groups[""], f"{file} imports {name}, which only an extra brings"


def test_lock_files_name_no_index() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"://|^--(?!hash)", lock.read_text(), re.MULTILINE), lock.name


def test_lock_files_pin_every_declared_requirement() -> None:
    groups = declared()
    run, dev = (pinned(name) for name in ("run.txt", "dev.txt"))
    assert groups[""] <= run
    assert groups[""] | groups["train"] | groups["scale"] | groups["demo"] | groups["dev"] <= dev
    assert groups["tracing"] <= run, "the image can trace"
    assert run <= dev
    assert "torch" not in run


def pinned(lock: str) -> set[str]:
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    return {canonical(line.split("==")[0]) for line in lines if "==" in line and not line.startswith("#")}
