from __future__ import annotations

import msgspec

from streams.local.environment import environment
from streams.settings.ranking import ArmSettings
from streams.settings.reading import load
from streams.settings.tree import Settings


def test_a_child_has_its_parents_settings() -> None:
    settings = Settings(seed=11)
    settings = msgspec.structs.replace(
        settings,
        kafka=msgspec.structs.replace(settings.kafka, bootstrap="one:9092,two:9092", prefix=""),
        counters=msgspec.structs.replace(settings.counters, half_lives_s=(0.1, 10.000001, 1e9)),
        candidates=msgspec.structs.replace(settings.candidates, weights={"nearest": 0.25}),
        feed=msgspec.structs.replace(settings.feed, repeat=True),
        model=msgspec.structs.replace(settings.model, providers=("cuda", "cpu"), active=""),
    )
    assert load(None, environment(settings)) == settings


def test_a_childs_prefixes_and_arms_are_its_parents() -> None:
    """Arms hold values of any type under names in any case; a table may be empty."""
    stages = {"feed": {"size": 5, "rating_weight": 0.5}, "candidates": {"sources": ["fresh", "popular"]}}
    settings = Settings(namespace="shop", arms={"Calm": ArmSettings("second", stages), "b__c": ArmSettings()})
    candidates = msgspec.structs.replace(settings.candidates, weights={})
    settings = msgspec.structs.replace(settings, candidates=candidates)
    child = load(None, environment(settings))
    assert child == settings
    assert msgspec.structs.replace(child, namespace="news").kafka.prefix == "news."


def test_the_parents_variables_do_not_come_through() -> None:
    parent = {"HEADRACE_KAFKA__PARTITIONS": "9", "HEADRACE_CACHE": "/c", "HOME": "/h"}
    environ = environment(Settings(), parent)
    assert environ["HEADRACE_KAFKA__PARTITIONS"] == "4"
    assert environ["HEADRACE_CACHE"] == "/c"
    assert environ["HOME"] == "/h"
