"""examples/typescript against a real stack: types from /schema, compiled by tsc, run by node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import eventually
from tests.connected.gateway_process import ROOT
from tests.connected.ranking_system import ranking_system

MISSING = [program for program in ("node", "npm") if shutil.which(program) is None]


def npm(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", *words],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(bool(MISSING), reason=f"the example in TypeScript needs {' and '.join(MISSING)}")
async def test_the_example_compiles_and_runs(settings: Settings, tmp_path: Path) -> None:
    example = tmp_path / "typescript"
    shutil.copytree(ROOT / "examples" / "typescript", example, ignore=shutil.ignore_patterns("node_modules"))
    installed = npm(example, "install", "--no-audit", "--no-fund")
    if installed.returncode:
        pytest.skip(f"npm could not install the example's packages: {installed.stderr[-500:]}")
    await ensure_topics(settings.kafka)
    with ranking_system(settings, tmp_path / "models", tmp_path) as client:
        await eventually(lambda: client.get("/v1/latest").status_code == 200)
        ran = npm(example, "start", HEADRACE=str(client.base_url).rstrip("/"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = ran.stdout.splitlines()
    for line in (
        "patched 12.5", "sent 1 202 replayed: false", "sent 2 202 replayed: true", "in bulk 4 accepted",
        "found 蓝牙耳机 ear", "ranked", "refused 400",
    ):  # fmt: skip
        assert any(each.startswith(line) for each in said), f"{line!r} is not in\n{ran.stdout}"
