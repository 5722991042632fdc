from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from model.errors import SettingsError
from model.tasks import Task, default_tasks
from streams.settings.models import ModelSettings
from streams.settings.reading import load, override
from streams.settings.tree import Settings


def leaves(tree: msgspec.Struct, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its path, e.g. ("kafka.partitions", 4)."""
    for name, value in msgspec.structs.asdict(tree).items():
        if isinstance(value, msgspec.Struct):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def at(settings: Settings, path: str) -> Any:
    value: Any = settings
    for part in path.split("."):
        value = getattr(value, part)
    return value


def variable(path: str) -> str:
    return "HEADRACE_" + path.upper().replace(".", "__")


LEAVES = dict(leaves(Settings()))
# Where not every value of the type will do.
OTHERS = {
    "reweighting.experts": ("frozen", "kalman:0.9"),
    "reweighting.levels": ("arm",),
    "ranker.where": "off",
    "gateway.console": "on",
    "reweighting.guard_alpha": 0.05,
    "ratings.low_counts": 0.25,
    "model.network.fusion": "concat",
    "model.network.encoder": "sasrec",
    "model.export.precision": "fp16",
    "model.network.width": 64,
    "model.network.heads": 4,
    "model.lists.dropout": 0.5,
    "model.network.forget_id": 0.5,
    "model.training.weighting": "uncertainty",
    "model.training.scout": 0.5,
    "examples.sample": 0.5,
    "kafka.consumer": "aiokafka",
    "exploration.policy": "thompson",
    "tracing.ratio": 0.5,
    "gateway.demo_app": "on",
    "search.fusion": "ranks",
    "reweighting.trial": 0.2,
    "search.personal_floor": 0.3,
    "search.attention_from": 0.25,
    "candidates.quotas": "mean",
    "candidates.quota_part": 0.4,
    "candidates.quota_least": 0.01,
    "candidates.quota_most": 0.5,
}
SCALARS = {path: value for path, value in LEAVES.items() if not isinstance(value, dict)}


def another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 2 + 0.5
        case tuple():
            return tuple(map(another, value))
        case str():
            return value + "x"
    raise AssertionError(f"no other value for {value!r}")


def written(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("path", SCALARS)
def test_every_setting_can_be_set_by_its_variable_alone(path: str) -> None:
    wanted = OTHERS.get(path) or another(SCALARS[path])
    settings = load(None, {variable(path): written(wanted)})
    assert at(settings, path) == wanted
    changed = {path, "kafka.prefix", "redis.prefix"} if path == "namespace" else {path}
    assert {p: v for p, v in leaves(settings) if p not in changed} == {
        p: v for p, v in LEAVES.items() if p not in changed
    }


@pytest.mark.parametrize("path", SCALARS)
def test_a_misspelt_variable_is_named(path: str) -> None:
    with pytest.raises(SettingsError, match=f"{path.split('.')[-1]}x`"):
        load(None, {variable(path) + "X": "1"})


@pytest.mark.parametrize("path", [path for path, value in SCALARS.items() if type(value) in (int, float)])
def test_a_number_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(SettingsError, match=path.split(".")[-1]):
        load(None, {variable(path): "many"})


def test_environment_overrides_the_file_which_overrides_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.write_text(
        'seed = 3\n[kafka]\npartitions = 8\nprefix = "shop."\n[model]\nproviders = ["cuda", "cpu"]\n'
    )
    settings = load(file, {"HEADRACE_KAFKA__PARTITIONS": "16", "PATH": "/bin"})
    assert settings.kafka.partitions == 16
    assert settings.kafka.prefix == "shop."
    assert settings.model.providers == ("cuda", "cpu")
    assert settings.seed == 3
    assert settings.redis == Settings().redis


def test_one_entry_of_a_table_can_be_set() -> None:
    settings = load(None, {"HEADRACE_CANDIDATES__WEIGHTS__NEAREST": "0.5"})
    assert settings.candidates.weights == {"nearest": 0.5}


def test_a_table_can_be_set_as_json_and_an_entry_of_it_beside() -> None:
    """In whichever order the variables come."""
    both = {
        "HEADRACE_CANDIDATES__WEIGHTS__NEAREST": "0.5",
        "HEADRACE_CANDIDATES__WEIGHTS": '{"fresh": 1, "nearest": 2}',
    }
    for environ in (both, dict(reversed(both.items()))):
        assert load(None, environ).candidates.weights == {"fresh": 1.0, "nearest": 0.5}
    assert load(None, {"HEADRACE_CANDIDATES__WEIGHTS": "{}"}).candidates.weights == {}


@pytest.mark.parametrize("value", ["nearest=1", "[1]", "{", ""])
def test_a_table_that_is_none_is_refused_with_its_name(value: str) -> None:
    with pytest.raises(SettingsError, match=r"HEADRACE_CANDIDATES__WEIGHTS: expected a table as JSON"):
        load(None, {"HEADRACE_CANDIDATES__WEIGHTS": value})


def names(settings: Settings) -> tuple[str, str, str]:
    return settings.namespace, settings.kafka.prefix, settings.redis.prefix


def test_prefixes_follow_the_namespace_where_they_are_not_set(tmp_path: Path) -> None:
    assert names(Settings()) == names(load(None, {})) == ("headrace", "headrace.", "headrace:")
    file = tmp_path / "headrace.toml"
    file.write_text('namespace = "shop"\n[kafka]\npartitions = 2\n')
    found = load(file, {})
    assert names(found) == ("shop", "shop.", "shop:")
    assert names(load(file, {"HEADRACE_NAMESPACE": "news"})) == ("news", "news.", "news:")
    assert names(override(found, {"namespace": "news"})) == ("news", "news.", "news:")
    assert names(override(found, {"feed": {"size": 3}})) == names(found)
    assert names(msgspec.structs.replace(found, namespace="news")) == ("news", "news.", "news:")


@pytest.mark.parametrize("given", ["", "headrace.", "own."])
def test_a_prefix_that_is_set_wins_over_the_namespace(given: str) -> None:
    """Also where it is what would derive from another namespace: a deployment is never renamed."""
    found = load(None, {"HEADRACE_NAMESPACE": "shop", "HEADRACE_KAFKA__PREFIX": given})
    assert names(found) == ("shop", given, "shop:")
    assert names(override(found, {"namespace": "news"})) == ("news", given, "news:")
    found = load(None, {"HEADRACE_NAMESPACE": "shop", "HEADRACE_REDIS__PREFIX": "{own}:"})
    assert names(found) == ("shop", "shop.", "{own}:")


@pytest.mark.parametrize("given", ["", "a b", "a:b", "{a}", "a/b", "shop\n", "x" * 64, "ä"])
def test_a_namespace_that_can_be_no_name_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="namespace"):
        load(None, {"HEADRACE_NAMESPACE": given})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"kafka = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"[kafka]\npartitions = 0", "partitions"),
        (b'[kafka]\npartitions = "x"', "partitions"),
        (b"[kafka]\nparts = 8", "parts"),
        (b"[kafka]\npartitions = 8\n[redis]\nshards = 3", "redis.shards is 3, kafka.partitions 8"),
        (b"[redis]\nshards = 0", "shards"),
        (b"[gateway]\nport = 70000", "port"),
    ],
)
def test_bad_file_is_refused_with_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "headrace.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        load(file, {})


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load(tmp_path / "absent.toml", {})


def test_section_that_is_a_value_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "headrace.toml"
    file.write_text("kafka = 3\n")
    with pytest.raises(SettingsError, match="HEADRACE_KAFKA__PREFIX"):
        load(file, {"HEADRACE_KAFKA__PREFIX": "a."})


def test_tasks_are_read_from_the_file_and_take_the_place_of_the_further_ones(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[model.tasks.purchase]\nloss = "binary"\nactions = ["purchase"]\nweight = 0.5\n'
        "[feed.task_weights]\npurchase = 0.3\n"
    )
    settings = load(path, {})
    assert settings.model.tasks == {"purchase": Task("binary", 0.5, ("purchase",))}
    assert settings.feed.task_weights == {"purchase": 0.3}


def test_only_the_views_with_a_size_are_used() -> None:
    assert ModelSettings().modalities == {}
    assert ModelSettings(audio_dim=3).modalities == {"audio": 3}
    assert list(ModelSettings(image_dim=2, audio_dim=3).modalities) == ["image", "audio"]


def test_overriding_changes_what_is_named_and_nothing_else() -> None:
    before = load(None, {"HEADRACE_MODEL__TRAINING__EPOCHS": "3", "HEADRACE_FEED__SIZE": "7"})
    tree = {"model": {"training": {"seed": 5}, "network": {"encoder": "none"}, "tasks": {}}, "seed": 9}
    after = override(before, tree)
    assert (after.model.training.seed, after.model.training.epochs) == (5, 3)
    assert (after.model.network.encoder, after.seed, after.feed.size) == ("none", 9, 7)
    assert after.model.tasks == default_tasks()
    assert override(
        after, {"model": {"training": {"seed": 7}, "network": {"encoder": "ligr"}}, "seed": 7}
    ) == (before)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"model": {"network": {"heads": 5}}}, "not a multiple of heads 5"),
        ({"model": {"training": {"epochs": 0}}}, "epochs"),
        ({"model": {"trainings": {}}}, "trainings"),
        ({"model": {"tasks": {"buy": {"loss": "binary", "actions": ["bought"]}}}}, "bought"),
    ],
)
def test_an_override_is_checked_like_a_file(tree: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        override(Settings(), tree)


@pytest.mark.parametrize(
    ("toml", "variable", "expected"),
    [
        ("true", "True", True),
        ("false", "0", False),
        ('["view", "cart"]', "view,cart", ("view", "cart")),
        ('["purchase"]', "purchase", ("purchase",)),
        ("[]", "", ()),
    ],
)
def test_what_may_repeat_is_yes_no_or_actions(
    tmp_path: Path, toml: str, variable: str, expected: bool | tuple[str, ...]
) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(f"[feed]\nrepeat = {toml}\n")
    assert load(path, {}).feed.repeat == expected
    assert load(None, {"HEADRACE_FEED__REPEAT": variable}).feed.repeat == expected


def test_an_action_that_is_none_may_not_repeat() -> None:
    with pytest.raises(SettingsError, match=r"viewed.*feed\.repeat"):
        load(None, {"HEADRACE_FEED__REPEAT": "view,viewed"})
