"""The settings of the stages that make a slate: what may differ from one request to the next.

They are the sections `candidates`, `rescoring`, `feed` and `exploration` of the settings. Of `reweighting` it
is only whether it is enabled: all arms have one learner. An arm overrides any of them by a tree of the same
names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from model.errors import SettingsError
from streams.settings.exploration import ExplorationSettings
from streams.settings.ranking import AdaptationSettings, CandidateSettings, FeedSettings, RescoringSettings


class StageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One section for each part of the pipeline."""

    candidates: CandidateSettings = CandidateSettings()
    rescoring: RescoringSettings = RescoringSettings()
    reweighting: AdaptationSettings = AdaptationSettings()
    feed: FeedSettings = FeedSettings()
    exploration: ExplorationSettings = ExplorationSettings()


def overridden(stages: StageSettings, tree: Mapping[str, Any], where: str) -> StageSettings:
    """`stages` with the values of `tree`, sections in sections; a table in it replaces names one by one.

    Raises `SettingsError`, which begins with `where`, for a name that is not there and for a value of the
    wrong type or out of range.

    >>> overridden(StageSettings(), {"feed": {"size": 5}}, "arms.short").feed.size
    5
    >>> overridden(StageSettings(), {"feed": {"sise": 5}}, "arms.short")
    Traceback (most recent call last):
    model.errors.SettingsError: arms.short: Object contains unknown field `sise` - at `$.feed`
    """
    merged = msgspec.to_builtins(stages)
    merge(merged, tree)
    try:
        return msgspec.convert(merged, StageSettings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {error}") from None


def merge(into: dict[str, Any], tree: Mapping[str, Any]) -> None:
    """Put the values of `tree` into `into`, tables in tables."""
    for name, value in tree.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value
