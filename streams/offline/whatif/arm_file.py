"""The arm that is asked about, from a TOML file: what `[arms.NAME]` of the settings says, at the top
level."""

from __future__ import annotations

from pathlib import Path

import msgspec

from model.errors import SettingsError
from streams.settings.ranking import ArmSettings
from streams.settings.reading import toml_file
from streams.settings.tree import Settings

ASKED = "whatif"


def with_arm(settings: Settings, path: Path) -> Settings:
    """The settings with the arm under the name `ASKED`; `SettingsError` where the file says what can't be."""
    named = f"--arm {path}"
    tree, _ = toml_file(path, named)
    try:
        arm = msgspec.convert(tree, ArmSettings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{named}: {error}; expected model and [stages.SECTION] tables, as under [arms.NAME]"
        ) from None
    if ASKED in settings.arms:
        raise SettingsError(f"settings: arms.{ASKED} is the name of the arm of {named}: name yours otherwise")
    extended = msgspec.structs.replace(settings, arms={**settings.arms, ASKED: arm})
    try:
        asked = extended.stages_of(ASKED)
    except SettingsError as error:
        raise SettingsError(f"{named}: {error}") from None
    if asked.exploration.samples:
        raise SettingsError(
            f'{named}: exploration.policy is "thompson"; expected "gumbel": what such an arm would believe'
            " depends on answers to slates that were never shown"
        )
    if asked.feed.size < settings.feed.size:
        raise SettingsError(
            f"{named}: feed.size is {asked.feed.size}, that of the log {settings.feed.size}: expected at"
            " least as much; leave it out, and read fewer places (--places)"
        )
    return extended
