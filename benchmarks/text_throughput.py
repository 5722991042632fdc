"""How many texts a second the registered text encoder reads, by provider, and how much the vectors differ.

    python -m benchmarks.text_throughput var/models/text/NAME --interactions FILE --items FILE

The texts are those of a dataset. As in service, the CPU runs the int8 file a text at a time and GPUs the fp32
file in batches; `cosine_mean` and `cosine_min` are to the fp32 file on the CPU.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import made
from export.manifest import TEXT_ENCODER_FP32
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, TextEncoder, load_text_encoder
from export.tokens import load_tokens
from model.errors import ProviderError
from model.schema import F32
from streams.commands.options import add_dataset, dataset_from
from streams.offline.training.dataset_texts import spread
from streams.settings.tree import Settings

PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu", "tokenizers")


class Row(NamedTuple):
    """The best of `runs`; `cosine_*` to fp32 on the CPU."""

    provider: str
    threads: int
    texts: int
    texts_per_s: float
    cosine_mean: float
    cosine_min: float


def measure(encoder: TextEncoder, texts: Sequence[str], exact: F32, threads: int, runs: int) -> Row:
    """Read all texts `runs` times."""
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        found = encoder.encode(texts)
        took.append(time.perf_counter() - started)
    cosines = (found * exact).sum(1)
    return Row(
        encoder.provider, threads, len(texts), round(len(texts) / min(took), 1),
        round(float(cosines.mean()), 5), round(float(cosines.min()), 5),
    )  # fmt: skip


def exactly(folder: Path, texts: Sequence[str], encoder: TextEncoder) -> F32:
    """The vectors of the fp32 file on the CPU."""
    opened = open_session(lambda _provider: folder / TEXT_ENCODER_FP32, threads=0)
    tokens = load_tokens(folder, encoder.manifest)
    return TextEncoder(
        Runner(opened, TEXT_OUTPUTS), tokens, encoder.projection, encoder.manifest, 128
    ).encode(texts)


def main() -> None:
    """Print a line for each provider and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Texts a second, by provider.")
    parser.add_argument("encoder", type=Path, help="a folder of a registry's text/")
    add_dataset(parser)
    parser.add_argument("--providers", default="cpu,cuda", help="comma-separated: cpu, cuda, tensorrt")
    parser.add_argument("--texts", type=int, default=1_000, help="how many, spread over all (1000)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    dataset = dataset_from(arguments, Settings())
    written = [item.joined for item in dataset.items.values() if item.joined.strip()]
    texts = spread(
        [*written, *(each for each in dataset.interactions.text or [] if each.strip())], arguments.texts
    )
    rows: list[Row] = []
    missing: dict[str, str] = {}
    exact = exactly(arguments.encoder, texts, load_text_encoder(arguments.encoder))
    for provider in arguments.providers.split(","):
        try:
            encoder = load_text_encoder(arguments.encoder, (provider,), threads=arguments.threads)
        except ProviderError as error:
            missing[provider] = str(error)
            print(f"{provider} did not run: {error}")
            continue
        rows.append(measure(encoder, texts, exact, arguments.threads, arguments.runs))
        print(rows[-1]._asdict())
    report: dict[str, Any] = {
        **made(
            f"python -m benchmarks.text_throughput ENCODER --interactions FILE "
            f"--providers {arguments.providers} --texts {arguments.texts} --threads {arguments.threads} "
            f"--runs {arguments.runs}",
            PACKAGES,
        ),
        "rows": [row._asdict() for row in rows],
        "did_not_run": missing,
    }
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
