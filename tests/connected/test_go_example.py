"""examples/go against a real stack: a client of /schema by oapi-codegen, compiled and run by go."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from export.registry import Registry
from streams.kafka.topics import ensure_topics
from streams.settings.tree import Settings
from tests.connected.events_on_kafka import eventually
from tests.connected.gateway_process import ROOT
from tests.connected.ranking_system import ranking_system

LEAST = (1, 26)
"""What the runtime of the generated client needs."""


def go(folder: Path, *words: str, headrace: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["go", *words],
        cwd=folder,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "HEADRACE": headrace},
        capture_output=True,
        text=True,
        check=False,
    )


def lacking() -> str:
    """Why the example can't be made here; "" where it can."""
    if shutil.which("go") is None:
        return "the example in Go needs go"
    came = go(Path.cwd(), "env", "GOVERSION").stdout
    found = re.match(r"go(\d+)\.(\d+)", came)
    if found is None or tuple(map(int, found.groups())) < LEAST:
        return f"the example in Go needs go {LEAST[0]}.{LEAST[1]}; here is {came.strip()}"
    return ""


LACKING = lacking()


@pytest.mark.skipif(bool(LACKING), reason=LACKING)
async def test_the_example_compiles_and_runs(
    settings: Settings, universal_registry: Registry, tmp_path: Path
) -> None:
    example = tmp_path / "go"
    shutil.copytree(ROOT / "examples" / "go", example, ignore=shutil.ignore_patterns("headrace"))
    fetched = go(example, "mod", "download")
    if fetched.returncode:
        pytest.skip(f"go could not fetch the example's modules: {fetched.stderr[-500:]}")
    await ensure_topics(settings.kafka)
    with ranking_system(settings, universal_registry.folder, tmp_path) as client:
        await eventually(lambda: client.get("/v1/search").status_code == 200)
        at = str(client.base_url).rstrip("/")
        made = go(example, "generate", headrace=at)
        assert made.returncode == 0, made.stdout + made.stderr
        ran = go(example, "run", ".", headrace=at)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = ran.stdout.splitlines()
    assert said.count("line accepted ") == 3
    for line in (
        "put Clip-on tuner", "patched 12.5", "line rejected not_json", "sent 1", "feed ", "cheap wire",
        "refused out_of_range", "found 藍牙耳機 ear", "cheapest 耳机 wire of 2", "category 耳机 2",
        "similar true", "completed 蓝牙耳机 无线降噪",
        "ranked strap", "ranked wire", "again true", "item ear", "item tuner",
        "models 0",
    ):  # fmt: skip
        assert any(each.startswith(line) for each in said), f"{line!r} is not in\n{ran.stdout}"
