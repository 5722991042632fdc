"""What a text encoder costs a worker: memory, time to load, CPU time for a text.

    python -m benchmarks.text_cost REGISTRY/text/NAME REGISTRY/text/OTHER --texts FILE --json FILE

FILE holds real texts, one a line. Each encoder is measured in a process of its own, where all that it needs
was imported and compiled before. Memory is what loading and reading all texts add, on Linux: `own` to the
process, `mapped` of files, which processes share and the system takes back when it needs it. Times are CPU
milliseconds on one thread, texts in calls of 16; `tokens`: without the network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import made
from export.manifest import TextManifest, read_manifest
from export.text import load_text_encoder
from export.tokens import load_tokens

PACKAGES = ("numpy", "numba", "onnxruntime", "tokenizers")
AT_A_TIME = 16


def resident_mb() -> dict[str, float]:
    """What this process has in memory, by what it is."""
    lines = map(str.split, Path("/proc/self/status").read_text().splitlines())
    return {
        name[:-1]: int(size) / 1024
        for name, size, *_ in (line for line in lines if len(line) == 3)
        if name in ("RssAnon:", "RssFile:")
    }


def measure(folder: Path, texts: list[str]) -> dict[str, Any]:
    """All figures, in this process."""
    # Compiled code is a worker's already: this process compiles, or reads, what the tokens need first.
    manifest = read_manifest(folder, TextManifest)
    load_tokens(folder, manifest).ids(["warm"])
    before = resident_mb()
    started = time.process_time()
    encoder = load_text_encoder(folder)
    load_ms = 1e3 * (time.process_time() - started)
    times = []
    for _ in range(2):
        started = time.process_time()
        for at in range(0, len(texts), AT_A_TIME):
            encoder.encode(texts[at : at + AT_A_TIME])
        times.append(1e3 * (time.process_time() - started) / len(texts))
    after = resident_mb()
    started = time.process_time()
    counted = encoder.count(texts)
    return {
        "name": manifest.name,
        "dim": manifest.dim,
        "own_mb": round(after["RssAnon"] - before["RssAnon"], 1),
        "mapped_mb": round(after["RssFile"] - before["RssFile"], 1),
        "load_ms": round(load_ms, 1),
        "text_ms": round(min(times), 3),
        "tokens_ms": round(1e3 * (time.process_time() - started) / len(texts), 4),
        "tokens_a_text": round(counted.tokens / len(texts), 1),
        "unknown": round(counted.share, 4),
    }


def main() -> None:
    """Print a line for each encoder and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="What text encoders cost a worker.")
    parser.add_argument("encoders", type=Path, nargs="+", help="folders of a registry's text/")
    parser.add_argument("--texts", type=Path, required=True, help="real texts, one a line")
    parser.add_argument("--count", type=int, default=1_000, help="how many of them to use, evenly spread")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    lines = [line for line in arguments.texts.read_text("utf-8", "replace").splitlines() if line.strip()]
    texts = lines[:: max(1, len(lines) // arguments.count)][: arguments.count]
    if arguments.here:
        print(json.dumps(measure(arguments.encoders[0], texts)))
        return
    rows = []
    for folder in arguments.encoders:
        command = [sys.executable, "-m", "benchmarks.text_cost", str(folder), "--here"]
        command += ["--texts", str(arguments.texts), "--count", str(arguments.count)]
        found = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(found.stdout))
        print(rows[-1])
    if arguments.json is not None:
        said = f"python -m benchmarks.text_cost ENCODERS --texts FILE --count {arguments.count}"
        report = {**made(said, PACKAGES), "texts": len(texts), "rows": rows}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
