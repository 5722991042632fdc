"""A model is registered whole or not at all, and can be found, ordered and removed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from export.manifest import MANIFEST, Manifest, facts_of, write_manifest
from export.parity import Parity
from export.registry import Registry
from model.errors import ManifestError, ModelError
from tests.export.conftest import SCHEMA

PARITY = Parity(
    examples=500,
    click_error_max=0.1,
    click_error_mean=0.01,
    probability_error_max=0.01,
    probability_error_mean=0.001,
    rating_error_max=0.01,
    rating_error_mean=0.001,
    top10_agreement=0.97,
    ndcg10=0.3,
    ndcg10_lost=0.0,
    ndcg10_lost_error=0.0,
)


def add(registry: Registry, name: str, created_ms: int) -> None:
    with registry.adding(name) as folder:
        (folder / "weights").write_bytes(name.encode())
        manifest = Manifest(
            name=name,
            created_ms=created_ms,
            model_schema=SCHEMA,
            files={"weights": facts_of(folder / "weights")},
            text_encoder=None,
            parity=PARITY,
            training={},
            counters={},
            versions={},
        )
        write_manifest(folder, manifest)


def test_models_are_listed_by_age_not_by_name(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for name, created_ms in (("a", 3), ("b", 1), ("c", 2)):
        add(registry, name, created_ms)
    assert registry.names() == ["a", "b", "c"]
    assert [model.name for model in registry.models()] == ["b", "c", "a"]
    assert registry.newest() == "a"
    assert registry.get("b") == tmp_path / "b"


def test_empty_registry(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "nowhere")
    assert registry.names() == []
    assert registry.newest() is None
    with pytest.raises(ManifestError, match=r"no model 'x' .*there: none"):
        registry.get("x")


def test_nothing_is_visible_until_the_block_ends(tmp_path: Path) -> None:
    registry = Registry(tmp_path)

    def interrupted() -> None:
        with registry.adding("half") as folder:
            (folder / MANIFEST).write_text("{}")
            assert registry.names() == []
            assert not registry.has("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert registry.names() == []
    assert list(tmp_path.iterdir()) == []


def test_folder_without_manifest_is_not_registered(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    with pytest.raises(ManifestError, match="expected a manifest"), registry.adding("empty"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    add(registry, "a", 1)
    with pytest.raises(ModelError, match="already there"):
        add(registry, "a", 2)
    assert registry.models()[0].created_ms == 1


def test_of_two_writers_of_one_name_the_second_is_refused(tmp_path: Path) -> None:
    registry = Registry(tmp_path)

    def slower() -> None:
        with registry.adding("a") as folder:
            (folder / MANIFEST).write_text("slow")
            add(registry, "a", 7)

    with pytest.raises(ModelError, match="choose another name"):
        slower()
    assert registry.models()[0].created_ms == 7


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../a", ".hidden", "-x", "text", "a b", "a" * 65, "é"]
)
def test_names_that_could_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    registry = Registry(tmp_path)
    with pytest.raises(ModelError, match="model name"), registry.adding(name):
        pass
    with pytest.raises(ModelError, match="model name"):
        registry.get(name)


def test_broken_manifest_hides_no_other_model(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    add(registry, "good", 1)
    add(registry, "bad", 2)
    (tmp_path / "bad" / MANIFEST).write_text('{"name": 3}')
    assert registry.newest() == "good"


def test_keep_last_spares_the_newest_and_the_active(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    for k in range(5):
        add(registry, f"m{k}", k)
    assert registry.keep_last(2, never={"m0"}) == ["m1", "m2"]
    assert registry.names() == ["m0", "m3", "m4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m0", "m3", "m4"]
    with pytest.raises(ModelError, match="at least 1"):
        registry.keep_last(0)


def test_text_encoders_do_not_show_among_models(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    add(registry, "model", 1)
    add(registry.text, "encoder", 2)
    assert registry.names() == ["model"]
    assert registry.text.names() == ["encoder"]


def test_manifest_is_json_that_people_can_read(tmp_path: Path) -> None:
    add(Registry(tmp_path), "a", 1)
    written = (tmp_path / "a" / MANIFEST).read_text()
    assert msgspec.json.decode(written)["schema"]["history"] == SCHEMA.history
    assert '\n  "name": "a"' in written
