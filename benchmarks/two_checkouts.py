"""A benchmark in this checkout and in another one, in turn: what changes from minute to minute meets both."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


def in_turn(script: str, words: Sequence[str], there: Path, turns: int) -> tuple[list[bytes], list[bytes]]:
    """The last line of each run of `script` with `words`: those of the checkout `there`, which has its own
    .venv, and those of this one. Raises `CalledProcessError` where a run fails.
    """
    here, there = Path.cwd(), there.resolve()
    lines: dict[Path, list[bytes]] = {there: [], here: []}
    for _ in range(turns):
        for folder, its in lines.items():
            run = subprocess.run(
                [str(folder / ".venv" / "bin" / "python"), str(Path(script).resolve()), *words],
                cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, check=True, stdout=subprocess.PIPE,
            )  # fmt: skip
            its.append(run.stdout.splitlines()[-1])
    return lines[there], lines[here]
