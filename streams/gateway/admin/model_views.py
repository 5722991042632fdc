"""What /v1/admin/models answers: models as they are registered, activations, orders that were sent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from export.manifest import Manifest
from export.parity import Parity


class ModelView(msgspec.Struct):
    """A registered model. `parent`: the model that it went on learning from; null where it began by itself.
    `held_back`: it was compared with the one in force, and was no better. `retained`: renewals don't delete
    it, however old it gets. `parity`: how far the exported files are from the checkpoint. `training`: what
    its making noted.
    """

    name: str
    created_ms: int
    active: bool
    parent: str | None
    held_back: bool
    retained: bool
    precision: str
    retrieves: bool
    text_encoder: str | None
    bytes: int
    parity: Parity
    training: dict[str, Any]


class ActivationView(msgspec.Struct):
    """Since when a model was the active one; null where nobody noted it."""

    model: str
    since_ms: int | None


class ModelList(msgspec.Struct):
    """The registered models, oldest first. `active`: the one that the store names, null for none.
    `unreadable`: folders whose manifest this build can't read. `activations`: the latest, the newest first.
    """

    active: str | None
    models: list[ModelView]
    unreadable: list[str]
    activations: list[ActivationView]


class Activated(msgspec.Struct):
    """The order that was sent. `confirmed`: a worker has obeyed it by now. `before`: what was active."""

    model: str
    before: str | None
    event_id: str
    confirmed: bool


class Retention(msgspec.Struct):
    """Whether renewals leave the model alone from now on; `names`: all those that they leave alone."""

    model: str
    retained: bool
    names: list[str]


def view_of(manifest: Manifest, active: str | None, retained: Collection[str]) -> ModelView:
    """As it is registered. `active`: the active model's name, `retained`: those that renewals leave alone."""
    parent = manifest.training.get("parent")
    return ModelView(
        name=manifest.name,
        created_ms=manifest.created_ms,
        active=manifest.name == active,
        parent=parent if isinstance(parent, str) else None,
        held_back=manifest.held_back,
        retained=manifest.name in retained,
        precision=manifest.precision,
        retrieves=manifest.retrieves,
        text_encoder=None if manifest.text_encoder is None else manifest.text_encoder.id,
        bytes=sum(file.bytes for file in manifest.files.values()),
        parity=manifest.parity,
        training=manifest.training,
    )
