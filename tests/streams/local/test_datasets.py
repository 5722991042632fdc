"""ml-100k is found inside the wheel, and its absence is explained."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from model.errors import DataError
from streams.local.datasets import ml_100k


def test_the_files_have_the_published_sizes() -> None:
    """Sizes from the data set's own README: 100,000 ratings, 943 users, 1,682 films; one header line each."""
    files = ml_100k()
    lines = [len(file.read_text(errors="replace").splitlines()) - 1 for file in files[:3]]
    assert lines == [100_000, 943, 1_682]
    assert "recbole" not in sys.modules


def test_a_missing_wheel_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DataError, match="pip install --no-deps"):
        ml_100k()


def test_a_wheel_without_the_files_says_what_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = ModuleSpec("recbole", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(DataError, match=r"recbole wheel lacks .*ml-100k\.inter; .*pip install --no-deps"):
        ml_100k()
