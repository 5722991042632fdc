"""A registered model, checked and ready to run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from export.compiled_parts import CompiledParts
from export.in_parts import InParts
from export.manifest import (
    IN_ONE,
    ITEM_PART,
    RESCORER,
    RESCORER_FP32,
    TOWER,
    USER_TOWER,
    VOCABULARY,
    Manifest,
    check_schema,
    read_manifest,
    verify,
)
from export.providers import COMPILED, OnFallback, Opened
from export.session import ItemTower, Rescorer, UserTower, open_session
from model.errors import ManifestError, UnknownNetworkError
from model.schema import Schema
from model.vocabulary import Vocabulary

log = logging.getLogger(__name__)


class LoadedModel(NamedTuple):
    """`vocabulary`: the number of each item in the item tower."""

    manifest: Manifest
    rescorer: Rescorer | InParts
    tower: ItemTower
    users: UserTower | InParts
    vocabulary: Vocabulary

    @property
    def parts(self) -> InParts | None:
        """The rescorer, where it is one of the layout in parts."""
        return self.rescorer if isinstance(self.rescorer, InParts) else None


def load_model(
    folder: Path,
    providers: Sequence[str] = ("cpu",),
    fallback: bool = False,
    threads: int = 1,
    expected: Schema | None = None,
    on_fallback: OnFallback | None = None,
) -> LoadedModel:
    """Check every file against the manifest, then open and warm up; `ManifestError` or `ProviderError`.

    `expected`: the schema for which this build computes features; the function refuses another one. CPUs run
    the served precision, GPUs the fp32 file (their kernels have no dynamic int8), and so does compiled code.
    A network that has no compiled form, which the log says, runs on the CPU.
    """
    manifest = read_manifest(folder, Manifest)
    verify(folder, manifest, manifest.required)
    check_schema(folder, manifest.model_schema, expected)
    try:
        vocabulary = msgspec.json.decode((folder / VOCABULARY).read_bytes(), type=Vocabulary)
    except msgspec.DecodeError as error:
        raise ManifestError(
            f"{folder / VOCABULARY}: expected the ids of items ({error}); export it again"
        ) from None

    def opened(name: str) -> Opened:
        return open_session(lambda _provider: folder / name, providers, fallback, threads)

    schema = manifest.model_schema
    if tuple(providers[:1]) == (COMPILED,) and (compiled := _compiled(folder, manifest, opened)) is not None:
        tower = ItemTower(opened(TOWER), schema)
        return LoadedModel(manifest, compiled, tower, compiled, vocabulary)

    def rescorer_file(provider: str) -> Path:
        return folder / (RESCORER if provider == "cpu" else RESCORER_FP32)

    scores = open_session(rescorer_file, providers, fallback, threads, on_fallback)
    tower, users = ItemTower(opened(TOWER), schema), opened(USER_TOWER)
    if manifest.layout == IN_ONE:
        return LoadedModel(manifest, Rescorer(scores, schema), tower, UserTower(users, schema), vocabulary)
    parts = InParts(opened(ITEM_PART), users, scores, schema)
    return LoadedModel(manifest, parts, tower, parts, vocabulary)


def _compiled(folder: Path, manifest: Manifest, opened: Callable[[str], Opened]) -> CompiledParts | None:
    """The model as compiled code, where it has such a form."""
    try:
        if manifest.layout == IN_ONE:
            raise UnknownNetworkError("its layout is of headrace up to 0.1")
        return CompiledParts(folder, opened(ITEM_PART), manifest.model_schema)
    except UnknownNetworkError as error:
        log.warning("model %s runs in onnxruntime, since it has no compiled form: %s", manifest.name, error)
        return None
