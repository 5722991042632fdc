"""Real datasets, where they are at hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared" / "data"


def shared(name: str) -> str:
    """A file under ../shared/data, or skip the test."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is not here")
    return str(path)


def ml_100k(extension: str) -> str:
    """A file of the ml-100k in the recbole wheel, or skip the test."""
    spec = importlib.util.find_spec("recbole")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the recbole wheel, which holds ml-100k, is not installed")
    return str(
        Path(spec.submodule_search_locations[0]) / "dataset_example" / "ml-100k" / f"ml-100k.{extension}"
    )
