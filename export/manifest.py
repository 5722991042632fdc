"""The manifest of a model folder: its files, its inputs, its training and its exactness.

A process checks a folder against its manifest before it runs anything in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from export.parity import Parity
from export.plan import Precision
from model.errors import ManifestError
from model.schema import SCHEMA_VERSION, Schema

MANIFEST = "manifest.json"
TOWER = "item_tower.onnx"
RESCORER = "rescorer.onnx"
RESCORER_FP32 = "rescorer.fp32.onnx"
USER_TOWER = "user_tower.onnx"
ITEM_PART = "item_part.onnx"
VOCABULARY = "vocabulary.json"
MODEL_FILES = (TOWER, USER_TOWER, ITEM_PART, RESCORER, RESCORER_FP32, VOCABULARY)
IN_ONE, IN_PARTS = 1, 2
"""The layouts of a model: a rescorer that reads everything of users and items itself, in headrace up to 0.1;
one that reads what the user tower and the item part have made.
"""
FILES_OF = {IN_ONE: tuple(name for name in MODEL_FILES if name != ITEM_PART), IN_PARTS: MODEL_FILES}

TEXT_ENCODER = "text_encoder.onnx"
TEXT_ENCODER_FP32 = "text_encoder.fp32.onnx"
TOKENIZER = "tokenizer.json"
PIECES = "pieces.npz"
VECTOR_TABLE = "token_vectors.bin"
PROJECTION = "projection.npz"
TEXT_FILES = (TEXT_ENCODER, TEXT_ENCODER_FP32, PROJECTION)
"""Of any text encoder; besides, a transformer has TOKENIZER, the universal one PIECES and VECTOR_TABLE."""


BETTER = "better"
"""The value of `training` under "verdict" if the model was compared with another one and won."""


class FileFacts(msgspec.Struct, frozen=True):
    """Checksum and size of one file."""

    sha256: str
    bytes: int


class TextEncoderRef(msgspec.Struct, frozen=True):
    """The text encoder whose vectors a model has learned: its id and the checksum of its int8 file."""

    id: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Of a recommendation model. `created_ms` since the epoch; `training` and `counters` are free-form.

    `precision`: of the rescorer that CPUs serve, which `parity` measures. `retrieves`: whether the user tower
    is a candidate source: the examples held the candidates that such a tower finds. `layout`: one of
    `FILES_OF`; a manifest that names none is of the first.
    """

    name: str
    created_ms: int
    model_schema: Schema = msgspec.field(name="schema")
    files: dict[str, FileFacts]
    text_encoder: TextEncoderRef | None
    parity: Parity
    training: dict[str, Any]
    counters: dict[str, Any]
    versions: dict[str, str]
    precision: Precision = "int8"
    retrieves: bool = True
    layout: int = IN_ONE

    @property
    def required(self) -> tuple[str, ...]:
        """The files that a model of this layout can't do without; `ManifestError` for a layout that this
        build does not know.
        """
        if self.layout not in FILES_OF:
            raise ManifestError(
                f"model {self.name!r} has layout {self.layout}, this build reads "
                f"{', '.join(map(str, FILES_OF))}: a newer headrace made it; upgrade this one, or activate "
                "another model"
            )
        return FILES_OF[self.layout]

    @property
    def held_back(self) -> bool:
        """Whether a comparison with the model in force did not find it better."""
        return bool(self.training.get("verdict", BETTER) != BETTER)


class TextManifest(msgspec.Struct, frozen=True, kw_only=True):
    """Of a text encoder. The cosines are between the int8 and the fp32 vectors of `texts` real texts.

    `neighbours_kept`: the share of each text's ten nearest in fp32 that are among its ten nearest in int8,
    among `neighbours` different texts; None if nobody measured it, or there are too few texts.
    `unknown_id`: the token that stands for what the encoder does not know; None if there is none, or if a
    former build made the folder (`export/text.py` then looks it up).
    """

    name: str
    created_ms: int
    encoder: str
    dim: int
    files: dict[str, FileFacts]
    texts: int
    cosine_mean: float
    cosine_min: float
    versions: dict[str, str]
    neighbours_kept: float | None = None
    neighbours: int = 0
    unknown_id: int | None = None

    @property
    def reference(self) -> TextEncoderRef:
        """The name by which a model knows the encoder of its items."""
        return TextEncoderRef(self.name, self.files[TEXT_ENCODER].sha256)


class _HasFiles(Protocol):
    @property
    def files(self) -> Mapping[str, FileFacts]: ...


AnyManifest = TypeVar("AnyManifest", bound=msgspec.Struct)


def facts_of(path: Path) -> FileFacts:
    """Checksum and size of a file; reads it in pieces."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return FileFacts(digest.hexdigest(), file.tell())


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The installed versions of those of `packages` that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_manifest(folder: Path, manifest: msgspec.Struct) -> None:
    """Write `manifest.json`, indented for people."""
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def read_manifest(folder: Path, kind: type[AnyManifest]) -> AnyManifest:
    """Read the manifest alone; `verify` checks the files."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=kind)
    except OSError as error:
        raise ManifestError(
            f"{folder / MANIFEST}: {error.strerror}; expected a folder made by the export"
        ) from None
    except msgspec.DecodeError as error:
        raise ManifestError(
            f"{folder / MANIFEST} is not a manifest of this build ({error}); export again"
        ) from None


def verify(folder: Path, manifest: _HasFiles, required: Iterable[str]) -> None:
    """Check that the manifest lists every required file, and that no listed file has changed; else
    `ManifestError`.
    """
    for name in required:
        if name not in manifest.files:
            raise ManifestError(f"{folder}: the manifest lists no {name}; export the model again")
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ManifestError(f"{path} is missing; register the model again or activate another")
        found = facts_of(path)
        if found != expected:
            raise ManifestError(
                f"{path} has changed: expected {expected.bytes} bytes with sha256 {expected.sha256[:12]}…, "
                f"found {found.bytes} bytes with {found.sha256[:12]}…; "
                "register the model again or activate another"
            )


def check_schema(folder: Path, found: Schema, expected: Schema | None) -> None:
    """Check that this build can feed the model's schema; with `expected`, that it is exactly that one."""
    if found.version != SCHEMA_VERSION:
        raise ManifestError(
            f"{folder}: schema version {found.version}, this build feeds {SCHEMA_VERSION}; "
            "train and export again"
        )
    if expected is None or found == expected:
        return
    differences = [
        f"{field}: the model has {getattr(found, field)!r}, this build {getattr(expected, field)!r}"
        for field in Schema.__struct_fields__
        if getattr(found, field) != getattr(expected, field)
    ]
    raise ManifestError(f"{folder}: another schema ({'; '.join(differences)}); train and export again")
