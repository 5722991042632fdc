"""The universal encoder through its own compiled code, where the processor has the instruction for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.forward.onnx_file import read_graph
from export.manifest import TEXT_ENCODER, VECTOR_TABLE
from export.session import Runner
from export.universal.forward import forward
from export.universal.sizes import CHUNKS, DIM, TOKEN
from export.universal.tiles import SUPPORTED, Words
from export.universal.weights import packed_weights, words_in_all
from model.errors import ManifestError, ModelError
from model.schema import F32

log = logging.getLogger(__name__)

COSINE_LEAST = 0.999
"""To onnxruntime's vector. Most are the same to 1e-7. One level that is rounded otherwise may move others
behind it: then a vector moves by a fourth of what int8 moves it, a cosine of .9998.
"""


class UniversalRunner:
    """Texts to vectors, on the CPU. `words`: see `packed_weights`; `table`: the token vectors, uint8
    [tokens, TOKEN]. Any number of threads may run it.
    """

    provider, fell_back, together = "cpu", False, 8

    def __init__(self, words: Words, table: NDArray[np.uint8], epsilon: float) -> None:
        self._words, self._table, self._epsilon = words, table, np.float32(epsilon)

    def vectors(self, tokens: Sequence[Sequence[int]]) -> F32:
        """Of texts by their tokens, none of them empty: float32 [texts, DIM]."""
        every = [token for text in tokens for token in text]
        if not 0 <= min(every) <= max(every) < len(self._table):
            last = len(self._table) - 1
            raise ModelError(f"expected tokens from 0 to {last}, got some from {min(every)} to {max(every)}")
        first = np.array([0, *accumulate(map(len, tokens))], np.int64)
        vectors = np.empty((len(tokens), DIM), np.float32)
        forward(np.array(every, np.int64), first, self._table, self._words, self._epsilon, vectors)
        return vectors


def compiled_or(runner: Runner, folder: Path) -> Runner | UniversalRunner:
    """The runner of compiled code for the encoder in the folder; `runner` where that is on a GPU, where the
    processor lacks the instruction, and where the folder holds another network.
    """
    if not SUPPORTED or runner.provider != "cpu":
        return runner
    try:
        constants = read_graph(folder / TEXT_ENCODER).constants
        table = np.memmap(folder / VECTOR_TABLE, np.uint8, "r").reshape(-1, TOKEN).view(np.ndarray)
        made = UniversalRunner(packed_weights(constants), table, float(constants["epsilon"]))
        _compare(runner, made, len(table))
    except (ManifestError, KeyError, ValueError) as error:
        log.warning("the text encoder in %s goes through onnxruntime: %s", folder, error)
        return runner
    return made


def warm_up() -> None:
    """Load what is compiled, or compile it."""
    if SUPPORTED:
        table = np.zeros((CHUNKS, TOKEN), np.uint8)
        table.flags.writeable = False  # as one that is mapped from a file: another type to the compiler
        UniversalRunner(np.zeros(words_in_all(), np.int32), table, 1e-12).vectors([[1]])


def _compare(runner: Runner, made: UniversalRunner, tokens: int) -> None:
    """Both on texts of tokens by chance; `ValueError` where they differ."""
    rng = np.random.default_rng(7)
    for length in (1, 6, 19):
        ids = rng.integers(0, tokens, (1, length))
        wanted = runner.run({"tokens": ids, "mask": np.ones_like(ids)})[0]
        cosine = float(np.sum(wanted * made.vectors(ids.tolist())))
        if not cosine >= COSINE_LEAST:
            raise ValueError(f"expected a cosine of {COSINE_LEAST} to its vectors, got {cosine:.6f}")
