"""What reads opinions out of a text encoder's vectors: a head for sentiment, and topics with names.

It lies in `registry/opinions/`, under the name of the encoder whose vectors it reads: those of 512 numbers,
not the few that are kept. It is trained where reviews have stars (`streams/offline/training/opinions.py`) and
reads any language that the encoder reads. Served in numpy: a product a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import msgspec
import numpy as np
from numpy.typing import NDArray

from export.manifest import FileFacts, TextEncoderRef, facts_of, read_manifest, verify, write_manifest
from export.text import TextEncoder
from model.errors import ManifestError, ParityError
from model.schema import F32

ARRAYS = "opinions.npz"
VERSION = 1
PROBED_WITHIN = 0.02
"""By so much a sentiment may differ from what it was when it was trained: int8 kernels differ by machine."""


class Probe(msgspec.Struct, frozen=True):
    """A text, and the sentiment that was read of it right after the training."""

    text: str
    sentiment: float


class OpinionManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`encoder`: whose vectors it reads. `topics`: their names, in order. `auc`: of `held_out` later reviews,
    those of one or two stars against those of four or five, as served; `auc_error`: its standard error.
    `learned`: how many reviews it was trained on.
    """

    name: str
    created_ms: int
    encoder: TextEncoderRef
    dim: int
    files: dict[str, FileFacts]
    topics: tuple[str, ...]
    auc: float
    auc_error: float
    learned: int
    held_out: int
    probes: tuple[Probe, ...]
    versions: dict[str, str]
    version: int = VERSION

    @property
    def identity(self) -> str:
        """Stands for what its topics mean: counts of others do not compare."""
        return self.files[ARRAYS].sha256[:16]


class OpinionArrays(NamedTuple):
    """head [dim + 1]: weights and offset; topics [K, dim]: unit vectors; centre [dim]: taken off before a
    vector is compared with them; least [K]: the cosine from which a clause is of a topic.
    """

    head: F32
    topics: F32
    centre: F32
    least: F32


class OpinionReader:
    """Reads the encoder's own vectors [n, dim], rows of length 1."""

    def __init__(self, arrays: OpinionArrays, manifest: OpinionManifest) -> None:
        self.arrays, self.manifest = arrays, manifest

    def sentiments(self, vectors: F32) -> NDArray[np.float64]:
        """How far each text praises, from -1 to 1: float64 [n]; 0 for no text."""
        return sentiments(self.arrays.head, vectors)

    def topics(self, vectors: F32) -> NDArray[np.int64]:
        """Of which topic each text speaks: int64 [n], -1 for none."""
        return nearest_topics(self.arrays, vectors)


def sentiments(head: F32, vectors: F32) -> NDArray[np.float64]:
    """Twice the probability of praise, less one: float64 [n]. Row by row: no text depends on others."""
    margins = np.array([float(vector @ head[:-1]) + float(head[-1]) for vector in vectors], np.float64)
    there = np.abs(vectors).any(axis=1) if len(vectors) else np.zeros(0, np.bool_)
    return np.where(there, np.tanh(margins / 2.0), 0.0)


def nearest_topics(arrays: OpinionArrays, vectors: F32) -> NDArray[np.int64]:
    """See `OpinionReader.topics`."""
    found = np.full(len(vectors), -1, np.int64)
    for row, vector in enumerate(vectors if len(arrays.topics) else ()):
        shifted = vector - arrays.centre
        cosines = arrays.topics @ (shifted / max(float(np.linalg.norm(shifted)), 1e-12))
        best = int(cosines.argmax())
        if vector.any() and cosines[best] >= arrays.least[best]:
            found[row] = best
    return found


def save_opinions(folder: Path, arrays: OpinionArrays, manifest: OpinionManifest) -> OpinionManifest:
    """Write both into a new folder; returns the manifest with the files in it."""
    with (folder / ARRAYS).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays._asdict())
    whole = msgspec.structs.replace(manifest, files={ARRAYS: facts_of(folder / ARRAYS)})
    write_manifest(folder, whole)
    return whole


def load_opinions(folder: Path, encoder: TextEncoder) -> OpinionReader:
    """The reader in `folder` for this encoder. Raises `ManifestError` where it is of another one, or damaged,
    and `ParityError` where it does not say of its probes what it said when it was trained.
    """
    manifest = read_manifest(folder, OpinionManifest)
    if manifest.version > VERSION:
        raise ManifestError(
            f"{folder} has version {manifest.version}, this build reads {VERSION}: upgrade it"
        )
    verify(folder, manifest, (ARRAYS,))
    if manifest.encoder != encoder.manifest.reference:
        raise ManifestError(
            f"{folder} reads vectors of {manifest.encoder.id} ({manifest.encoder.sha256[:8]}), here is "
            f"{encoder.manifest.name} ({encoder.manifest.reference.sha256[:8]}): delete it, and train again"
        )
    reader = OpinionReader(_load_arrays(folder / ARRAYS, manifest), manifest)
    check_probes(reader, encoder)
    return reader


def check_probes(reader: OpinionReader, encoder: TextEncoder) -> None:
    """Raises `ParityError` where encoder and head together say something else than at the training."""
    probes = reader.manifest.probes
    found = reader.sentiments(encoder.encode([probe.text for probe in probes]))
    away = np.abs(found - [probe.sentiment for probe in probes])
    if len(away) and away.max() > PROBED_WITHIN:
        worst = int(away.argmax())
        raise ParityError(
            f"opinions {reader.manifest.name!r} say {found[worst]:.3f} of {probes[worst].text!r}, and said "
            f"{probes[worst].sentiment:.3f} when they were trained: delete them, and train again"
        )


def probes_of(texts: Sequence[str], head: F32, encoder: TextEncoder) -> tuple[Probe, ...]:
    """What the head says of these texts now."""
    found = sentiments(head, encoder.encode(texts))
    return tuple(Probe(text, float(each)) for text, each in zip(texts, found, strict=True))


def _load_arrays(path: Path, manifest: OpinionManifest) -> OpinionArrays:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = OpinionArrays(*(found[name] for name in OpinionArrays._fields))
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ManifestError(f"{path} holds no opinions ({error}); train them again") from None
    topics, dim = len(manifest.topics), manifest.dim
    shapes = tuple(each.shape for each in arrays)
    if shapes != ((dim + 1,), (topics, dim), (dim,), (topics,)) or any(
        each.dtype != np.float32 for each in arrays
    ):
        raise ManifestError(
            f"{path} has arrays of {shapes}, its manifest says {topics} topics and {dim} numbers"
        )
    return arrays
