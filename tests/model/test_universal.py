"""Where the multilingual encoder's wheel is, and what is said where it is not or can't be what is asked."""

from __future__ import annotations

import importlib.util

import pytest

from model.errors import ModelError
from model.text_encoder import folder_of, load_encoder
from model.universal import UNIVERSAL, universal_folder


def test_the_wheel_holds_weights_and_pieces() -> None:
    assert {"weights.npz", "sp.model"} <= {path.name for path in universal_folder().iterdir()}


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"install headrace\[demo\]"):
        universal_folder()


def test_it_is_no_transformer() -> None:
    for load in (folder_of, load_encoder):
        with pytest.raises(ModelError, match="is no transformer"):
            load(UNIVERSAL)
