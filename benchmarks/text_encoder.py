"""The cost in cosine and the gain in time of each way to quantize a text encoder; for export/quantize.py.

    python -m benchmarks.text_encoder var/models/text/NAME --texts FILE --json benchmarks/text_encoder.json

FILE holds real texts, one a line. Cosines are to the fp32 vectors; times are CPU milliseconds for one text of
27 tokens on one thread, the best of many turns. `together`: the largest change of a vector's element if 16
texts run in one batch instead of alone. `near`: the share of a text's ten nearest in fp32 that are among its
ten nearest in int8, over all texts used.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

from benchmarks.machine import made
from export.manifest import TEXT_ENCODER_FP32, TOKENIZER
from export.neighbours import neighbours_kept
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, text_inputs
from export.tokens import load_tokenizer
from model.schema import F32

PACKAGES = ("numpy", "onnx", "onnxruntime")
Write = Callable[[Path, Path], None]


class Row(NamedTuple):
    """One way, measured."""

    way: str
    cosine_mean: float
    cosine_min: float
    near: float
    together: float
    cpu_ms: float
    megabytes: float


def dynamic(operators: Sequence[str], **options: Any) -> Write:
    """onnxruntime's dynamic quantization of some operators."""

    def write(source: Path, target: Path) -> None:
        quantize_dynamic(source, target, op_types_to_quantize=list(operators), **options)

    return write


def blockwise(block: int) -> Write:
    """8-bit weights in blocks, and activations too, each row for itself (MatMulNBits, accuracy level 4)."""

    def write(source: Path, target: Path) -> None:
        config = DefaultWeightOnlyQuantConfig(block_size=block, is_symmetric=True, accuracy_level=4, bits=8)
        quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
        quantizer.process()
        onnx.save(quantizer.model.model, target)

    return write


def without_ffn_outputs(source: Path, target: Path) -> None:
    """Per channel, but the matrices that are deeper than wide (the second of each feed-forward) stay fp32."""
    model = onnx.load(source)
    dims = {each.name: each.dims for each in model.graph.initializer}
    kept = [
        node.name
        for node in model.graph.node
        if node.op_type == "MatMul"
        and node.input[1] in dims
        and dims[node.input[1]][0] > dims[node.input[1]][1]
    ]
    dynamic(("MatMul", "Gather"), per_channel=True, nodes_to_exclude=kept)(source, target)


WAYS: dict[str, Write] = {
    "all operators, one scale a matrix": dynamic(("MatMul", "Gather")),
    "matrices only, one scale a matrix": dynamic(("MatMul",)),
    "matrices only, per channel": dynamic(("MatMul",), per_channel=True),
    "matrices only, per channel, 7 bits": dynamic(("MatMul",), per_channel=True, reduce_range=True),
    "matrices only, per channel, unsigned": dynamic(
        ("MatMul",), per_channel=True, weight_type=QuantType.QUInt8
    ),
    "per channel, and the token table (chosen)": dynamic(("MatMul", "Gather"), per_channel=True),
    "the same without feed-forward outputs": without_ffn_outputs,
    "blocks of 32": blockwise(32),
    "blocks of 64": blockwise(64),
}


def _file(path: Path, _provider: str) -> Path:
    return path


def vectors(runner: Runner, encoded: Sequence[Sequence[int]]) -> F32:
    """One text at a time."""
    return np.concatenate([runner.run(text_inputs([row]))[0] for row in encoded])


def cpu_ms(runners: Sequence[Runner], turns: int = 40) -> list[float]:
    """The best CPU time of each for 27 tokens; they take turns."""
    inputs = text_inputs([list(range(1000, 1027))])
    best = [float("inf")] * len(runners)
    for _ in range(turns):
        for k, runner in enumerate(runners):
            started = time.process_time()
            runner.run(inputs)
            best[k] = min(best[k], 1e3 * (time.process_time() - started))
    return best


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Ways to quantize a text encoder.")
    parser.add_argument("encoder", type=Path, help="a folder of the registry of text encoders")
    parser.add_argument("--texts", type=Path, required=True, help="real texts, one a line")
    parser.add_argument("--count", type=int, default=200, help="how many of them to use, evenly spread")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # the quantizers log every node

    lines = list(dict.fromkeys(line for line in arguments.texts.read_text().splitlines() if line.strip()))
    tokenizer = load_tokenizer(arguments.encoder / TOKENIZER)
    tokenizer.enable_truncation(arguments.max_tokens)
    chosen = lines[:: max(1, len(lines) // arguments.count)][: arguments.count]
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(chosen)]
    source = arguments.encoder / TEXT_ENCODER_FP32
    with tempfile.TemporaryDirectory() as folder:
        paths = {"fp32": source}
        for number, (way, write) in enumerate(WAYS.items()):
            paths[way] = Path(folder) / f"{number}.onnx"
            write(source, paths[way])
        runners = [Runner(open_session(partial(_file, path)), TEXT_OUTPUTS) for path in paths.values()]
        times = cpu_ms(runners)
        exact = vectors(runners[0], encoded)
        rows = []
        for (way, path), runner, cpu in zip(paths.items(), runners, times, strict=True):
            found = vectors(runner, encoded)
            cosines = (found * exact).sum(1)
            together = np.abs(runner.run(text_inputs(encoded[:16]))[0] - found[:16]).max()
            size = path.stat().st_size / 1e6
            near = neighbours_kept(exact, found)
            rows.append(
                Row(way, float(cosines.mean()), float(cosines.min()), near, float(together), cpu, size)
            )
    print(f"{'way':42} {'cosine':>7} {'least':>7} {'near':>5} {'together':>9} {'CPU ms':>7} {'MB':>5}")
    for row in rows:
        print(
            f"{row.way:42} {row.cosine_mean:7.4f} {row.cosine_min:7.4f} {row.near:5.3f} {row.together:9.1e} "
            f"{row.cpu_ms:7.2f} {row.megabytes:5.0f}"
        )
    if arguments.json is not None:
        command = f"python -m benchmarks.text_encoder ENCODER --texts FILE --count {arguments.count}"
        report = {
            **made(command, PACKAGES),
            "texts": len(encoded),
            "rows": [row._asdict() for row in rows],
        }
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
