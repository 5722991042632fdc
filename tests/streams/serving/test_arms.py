"""A model that an arm names and that can't be served is said before anything is served."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from export.manifest import RESCORER, Manifest, read_manifest, write_manifest
from export.registry import Registry
from model.errors import SettingsError
from streams.commands.main import main
from streams.serving.arms import check_arms, models_of
from streams.settings.ranking import ArmSettings
from streams.settings.reading import override
from streams.settings.tree import Settings


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, three_models: Path) -> Registry:
    """A whole model; one with a byte less; one without a file; one of a schema that this build can't feed."""
    registry = Registry(tmp_path_factory.mktemp("models"))
    for name in ("whole", "short", "partial", "foreign", "elder"):
        shutil.copytree(three_models / "first", registry.folder / name)
    rescorer = registry.get("short") / RESCORER
    rescorer.write_bytes(rescorer.read_bytes()[:-1])
    (registry.get("partial") / RESCORER).unlink()
    for name, changes in (("foreign", {"candidate_features": ("moon",)}), ("elder", {"version": 0})):
        manifest = read_manifest(registry.get(name), Manifest)
        schema = msgspec.structs.replace(manifest.model_schema, **changes)
        write_manifest(registry.get(name), msgspec.structs.replace(manifest, model_schema=schema))
    return registry


def declared(registry: Registry, **models: str) -> Settings:
    arms: dict[str, Any] = {name: {"model": model} for name, model in models.items()}
    return override(Settings(), {"arms": arms, "model": {"registry": str(registry.folder)}})


def test_arms_that_can_be_served_are_fine(registry: Registry) -> None:
    settings = declared(registry, usual="", calm="whole", bold="whole")
    check_arms(settings)
    assert models_of(settings.arms) == {"whole"}
    check_arms(Settings())


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("absent", r"arms\.calm\.model: no model 'absent' in .*there: .*whole.*train one or name another"),
        ("short", r"arms\.calm\.model: .*has changed: expected"),
        ("partial", r"arms\.calm\.model: .*is missing"),
        ("foreign", r"arms\.calm\.model: .*features that this build does not compute: moon; retrain it"),
        ("elder", r"arms\.calm\.model: .*schema version 0"),
        ("../whole", r"arms\.calm\.model: model name '\.\./whole': expected 1 to 64"),
    ],
)
def test_one_that_can_not_is_named_with_the_reason(registry: Registry, model: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_arms(declared(registry, usual="whole", calm=model))


def test_all_that_are_wrong_are_named_at_once(registry: Registry) -> None:
    with pytest.raises(SettingsError) as raised:
        check_arms(declared(registry, one="absent", two="absent", three="short", four="whole"))
    for name in ("one", "two", "three"):
        assert f"arms.{name}.model" in str(raised.value)
    assert "arms.four" not in str(raised.value)


def test_another_registry_can_be_asked(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no model 'whole'"):
        check_arms(Settings(arms={"calm": ArmSettings("whole")}), Registry(tmp_path))
    check_arms(Settings(arms={"calm": ArmSettings("whole")}), registry)


@pytest.mark.parametrize("command", ["worker", "up"])
def test_what_serves_does_not_start(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_MODEL__REGISTRY", str(tmp_path))
    monkeypatch.setenv("HEADRACE_ARMS__CALM__MODEL", "absent")
    assert main([command]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"headrace {command}: arms.calm.model: no model 'absent'" in said.err
