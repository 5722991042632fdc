"""Models as folders: `registry/<name>/`. A model is there whole, or not at all.

The registry writes a model into a hidden folder beside its place, flushes it to the disk, then renames it.
The store, not the registry, names the active model, so that all workers agree.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from export.manifest import MANIFEST, Manifest, read_manifest
from model.errors import ManifestError, ModelError

TEXT, OPINIONS = "text", "opinions"
"""The folders in a registry that are registries: of text encoders, and of what reads opinions by them."""

_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> str:
    """The name itself, or `ModelError`: names become folders, so they must not lead elsewhere."""
    if not _name.fullmatch(name) or name in (TEXT, OPINIONS):
        raise ModelError(
            f"model name {name!r}: expected 1 to 64 letters, digits, '.', '_' or '-', "
            f"a letter or digit first, and neither {TEXT!r} nor {OPINIONS!r}"
        )
    return name


class Registry:
    """Models (or text encoders) in one folder; safe for many readers and writers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def text(self) -> Registry:
        """The registry of text encoders inside this one."""
        return Registry(self.folder / TEXT)

    @property
    def opinions(self) -> Registry:
        """The registry of what reads opinions, inside this one; by the names of text encoders."""
        return Registry(self.folder / OPINIONS)

    @contextmanager
    def adding(self, name: str) -> Iterator[Path]:
        """A folder to fill; it becomes the model if the block ends well, else the registry deletes it."""
        place = self.folder / check_name(name)
        if place.exists():
            raise ModelError(f"{place} is already there; a model never changes: choose another name")
        staging = self.folder / f".adding-{name}-{uuid.uuid4().hex[:8]}"
        try:
            staging.mkdir(parents=True)
        except OSError as error:
            raise ModelError(
                f"registry {self.folder}: {error.strerror}; set model.registry to one that can be written"
            ) from None
        try:
            yield staging
            if not (staging / MANIFEST).is_file():
                raise ManifestError(f"{name}: expected a {MANIFEST} in the folder, got none; write it first")
            for path in [*staging.iterdir(), staging]:
                _flush(path)
            try:
                staging.rename(place)
            except OSError as error:
                raise ModelError(f"{place}: {error.strerror}; choose another name") from None
            _flush(self.folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def has(self, name: str) -> bool:
        """Whether a model of this name is registered."""
        return (self.folder / check_name(name) / MANIFEST).is_file()

    def get(self, name: str) -> Path:
        """The folder of a registered model, or `ManifestError`, which lists the registered names."""
        if not self.has(name):
            known = ", ".join(self.names()) or "none"
            raise ManifestError(
                f"no model {name!r} in {self.folder} (there: {known}); train one or name another"
            )
        return self.folder / name

    def names(self) -> list[str]:
        """Every registered name, in alphabetical order."""
        if not self.folder.is_dir():
            return []
        return sorted(
            path.name
            for path in self.folder.iterdir()
            if _name.fullmatch(path.name)
            and path.name not in (TEXT, OPINIONS)
            and (path / MANIFEST).is_file()
        )

    def models(self) -> list[Manifest]:
        """The manifests of all readable models, oldest first; a broken model does not hide the others."""
        found = []
        for name in self.names():
            try:
                found.append(read_manifest(self.folder / name, Manifest))
            except ManifestError:
                continue
        return sorted(found, key=lambda manifest: (manifest.created_ms, manifest.name))

    def newest(self) -> str | None:
        """The name of the newest model, or None if there is none. This passes over a model that a comparison
        found no better: it serves only if somebody names it.
        """
        models = [each for each in self.models() if not each.held_back]
        return models[-1].name if models else None

    def delete(self, name: str) -> None:
        """Hide a model at once, then remove it."""
        hidden = self.folder / f".deleting-{name}-{uuid.uuid4().hex[:8]}"
        self.get(name).rename(hidden)
        shutil.rmtree(hidden)

    def keep_last(self, count: int, never: Collection[str] = ()) -> list[str]:
        """Delete all but the `count` newest models and those in `never` (the active one, say)."""
        if count < 1:
            raise ModelError(f"keep_last({count}): expected at least 1")
        deleted = [m.name for m in self.models()[:-count] if m.name not in never]
        for name in deleted:
            self.delete(name)
        return deleted


def _flush(path: Path) -> None:
    """fsync a file or a folder, so that a rename never shows names without contents."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
