"""What docstrings and comments refer to is there: modules, what they define, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("streams", "export", "model", "benchmarks")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
DOTTED = re.compile(r"`((?:streams|export|benchmarks)(?:\.\w+)+)`")
PATH = re.compile(r"\b((?:streams|export|model|benchmarks|tests|docs|ops|dev)/[\w./-]*\.(?:py|md))\b")


def leads_somewhere(name: str) -> bool:
    """Whether a dotted name is a module, a package, or begins with a module whose text has the next part."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        if place.with_suffix(".py").is_file():
            rest = parts[count:]
            return not rest or re.search(rf"\b{rest[0]}\b", place.with_suffix(".py").read_text()) is not None
        if place.is_dir():
            return count == len(parts)
    return False


def referred(file: Path) -> list[str]:
    """The references of a file that lead nowhere."""
    text = file.read_text()
    names = [name for name in DOTTED.findall(text) if not leads_somewhere(name)]
    return names + [path for path in PATH.findall(text) if not (ROOT / path).exists()]


@pytest.mark.parametrize("package", PACKAGES)
def test_references_lead_somewhere(package: str) -> None:
    lost = {str(file.relative_to(ROOT)): found for file in FILES if file.parts[len(ROOT.parts)] == package
            if (found := referred(file))}  # fmt: skip
    assert not lost


def test_a_name_that_is_gone_is_found(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text('"""See `streams.state.fold.apply`, `streams.state.fold.applied_by`, `streams.gone`, '
                    'streams/state/fold.py and streams/gone.py."""\n')  # fmt: skip
    assert referred(file) == ["streams.state.fold.applied_by", "streams.gone", "streams/gone.py"]
