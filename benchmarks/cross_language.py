"""Films found by searches in other languages: how far a text encoder brings languages together.

    python -m benchmarks.cross_language --movies movies.csv --encoders NAME,NAME --json FILE

`movies.csv` is that of MovieLens latest-small: 9,742 films with English titles. Each search is the name of
one film in another language (`cross_language_queries.py`). Its place is that of the film among all by cosine:
of the encoder's own vectors, and of those that are kept of items, projected by what was fitted to English
titles alone. `unknown`: which share of the searches' tokens the encoder does not know.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cross_language_queries import QUERIES
from benchmarks.machine import made
from export.registry import Registry
from export.text import TextEncoder, encoder_name, load_text_encoder
from export.text_to_onnx import export_text_encoder
from model.schema import F32
from model.text_encoder import BUNDLED
from model.universal import UNIVERSAL
from streams.offline.training.dataset_texts import spread

PACKAGES = (UNIVERSAL, BUNDLED, "numpy", "onnxruntime", "tokenizers")


def read_titles(path: Path) -> dict[int, str]:
    """Titles by number, without the year, an article in its place."""
    with path.open(encoding="utf-8", newline="") as file:
        return {int(row["movieId"]): _plain(row["title"]) for row in csv.DictReader(file)}


def _plain(title: str) -> str:
    """
    >>> _plain("Lion King, The (1994)"), _plain("Heat (1995)")
    ('The Lion King', 'Heat')
    """
    name = title.rsplit(" (", 1)[0] if title.rstrip().endswith(")") else title
    head, _, article = name.rpartition(", ")
    return f"{article} {head}" if article in ("The", "A", "An") else name


def places(titles: F32, searches: F32, wanted: Sequence[int]) -> NDArray[np.int64]:
    """The place of each wanted row, from 1; among equal cosines the worst."""
    scores = searches @ titles.T
    own = scores[np.arange(len(wanted)), list(wanted)]
    found: NDArray[np.int64] = (scores >= own[:, None] - 1e-7).sum(axis=1)
    return found


def figures(found: NDArray[np.int64]) -> dict[str, float]:
    """Mean reciprocal rank, and the shares within the first 1 and 10."""
    return {
        "mrr": round(float((1.0 / found).mean()), 3),
        "first": round(float((found == 1).mean()), 3),
        "within_10": round(float((found <= 10).mean()), 3),
    }


def measure(encoder: TextEncoder, titles: dict[int, str]) -> dict[str, Any]:
    """All figures of one encoder, and CPU milliseconds for a title."""
    rows = {number: row for row, number in enumerate(titles)}
    started = time.process_time()
    whole = encoder.encode(list(titles.values()))
    cpu_ms = 1e3 * (time.process_time() - started) / len(titles)
    kept = encoder.projection(whole)
    report: dict[str, Any] = {"dim": encoder.dim, "cpu_ms_a_title": round(cpu_ms, 3)}
    all_found: dict[str, list[NDArray[np.int64]]] = {"whole": [], "kept": []}
    for language, queries in QUERIES.items():
        searches = encoder.encode(list(queries))
        wanted = [rows[number] for number in queries.values()]
        found = {
            "whole": places(whole, searches, wanted),
            "kept": places(kept, encoder.projection(searches), wanted),
        }
        for name, each in found.items():
            all_found[name].append(each)
        report[language] = {
            "searches": len(queries),
            "unknown": round(encoder.count(list(queries)).share, 3),
            **{name: figures(each) for name, each in found.items()},
        }
    report["all"] = {name: figures(np.concatenate(each)) for name, each in all_found.items()}
    return report


def main() -> None:
    """Print a table and, with `--json`, write the same for programs."""
    parser = argparse.ArgumentParser(description="Films found by searches in other languages.")
    parser.add_argument("--movies", type=Path, required=True, help="movies.csv of MovieLens latest-small")
    parser.add_argument("--encoders", default=f"{UNIVERSAL},{BUNDLED}", help="comma-separated")
    parser.add_argument("--registry", type=Path, help="keep the encoders here")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    titles = read_titles(arguments.movies)
    report: dict[str, Any] = {
        **made(f"python -m benchmarks.cross_language --encoders {arguments.encoders}", PACKAGES),
        "titles": len(titles),
        "searches": sum(map(len, QUERIES.values())),
    }
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(arguments.registry or Path(folder))
        for name in arguments.encoders.split(","):
            if not registry.text.has(encoder_name(name)):
                export_text_encoder(registry, spread(list(titles.values()), 2_000), 1, name)
            found = measure(load_text_encoder(registry.text.get(encoder_name(name))), titles)
            report[name] = found
            print(f"{name}: {found['dim']} numbers, {found['cpu_ms_a_title']} CPU ms a title")
            print(f"{'':4} {'unknown':>8} {'MRR':>6} {'first':>6} {'in 10':>6}   kept: MRR, first, in 10")
            for language in (*QUERIES, "all"):
                row = found[language]
                unknown = f"{row['unknown']:8.1%}" if "unknown" in row else f"{'':8}"
                cells = [f"{value:6.3f}" for part in ("whole", "kept") for value in row[part].values()]
                print(f"{language:4} {unknown} {' '.join(cells)}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
