"""Serving runs in processes where torch and transformers cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from export.manifest import Manifest
from export.registry import Registry

ROOT = Path(__file__).parents[2]

SCRIPT = """
import sys
for name in "torch transformers onnx onnxscript safetensors pandas".split():
    sys.modules[name] = None
import export.manifest, export.parity, export.registry, export.session, export.text
from pathlib import Path
from export.loaded import load_model
from export.random_inputs import random_inputs
model = load_model(Path(sys.argv[1]))
print(model.rescorer.score(random_inputs(model.manifest.model_schema, 2, 5)).click.shape)
"""


def test_model_loads_and_scores_without_torch(registered: tuple[Registry, Manifest]) -> None:
    command = [sys.executable, "-c", SCRIPT, str(registered[0].get("first"))]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "(2, 5)"
