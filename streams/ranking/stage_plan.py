"""Stage settings made ready: checked against what there is, with what the stages need of them at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import SettingsError
from streams.ranking.degradation import Rung
from streams.settings.ranking import CandidateSettings
from streams.settings.stages import StageSettings
from streams.state.action_meaning import Meanings

DIGEST_BYTES = 8
LATER = ("exploration",)
"""Sections of the stage settings that came after slates were first named by them."""
LATER_FIELDS = {
    "candidates": ("quotas", "quota_part", "quota_least", "quota_most"),
    "exploration": ("policy",),
}
"""Settings in them that did."""
UNNAMED = ("reweighting",)
"""Sections that name no slate by themselves."""
ROUNDED = 1e-9
_encoder = msgspec.json.Encoder(order="deterministic")


@dataclass(frozen=True, eq=False)
class StagePlan:
    """What the stages do for a request.

    `rung`: the step of the degradation ladder that these settings are. `digest` names the settings in a
    slate's id, all but `reweighting`: the id says itself of a slate that it was adapted. `asked`: the columns
    of the sources that are asked. `weights` float64 and `reserve` int64 [sources]: see `CandidateSettings`.
    `meanings`: what actions mean, with `feed.repeat` of these settings.
    """

    settings: StageSettings
    rung: Rung
    digest: str
    asked: tuple[int, ...]
    weights: NDArray[np.float64]
    reserve: NDArray[np.int64]
    meanings: Meanings


def stage_plan(
    settings: StageSettings,
    meanings: Meanings,
    sources: Sequence[str],
    rung: Rung = "full",
    where: str = "settings",
) -> StagePlan:
    """The plan of checked settings over the sources of this build.

    Raises `SettingsError`, which begins with `where`, for a source that this build does not have.
    """
    candidates = settings.candidates
    for name, named in (
        ("sources", candidates.sources),
        ("weights", candidates.weights),
        ("reserve", candidates.reserve),
    ):
        _check(f"{where}: candidates.{name}", named, sources)
    asked = tuple(at for at, name in enumerate(sources) if name in (candidates.sources or sources))
    _check_quotas(where, candidates, len(asked))
    return StagePlan(
        settings=settings,
        rung=rung,
        digest=hashlib.blake2b(bytes_of(settings), digest_size=DIGEST_BYTES).hexdigest(),
        asked=asked,
        weights=np.array([candidates.weights.get(name, 1.0) for name in sources], np.float64),
        reserve=np.array([candidates.reserve.get(name, 0) for name in sources], np.int64),
        meanings=meanings.repeating(settings.feed.repeat),
    )


def bytes_of(settings: StageSettings) -> bytes:
    """What the digest is made of. What came later, a section or a setting in one, is left out where it is as
    it is by default: slates are named as they were before there was that.
    """
    defaults, sections = StageSettings(), msgspec.structs.asdict(settings)
    return msgspec.json.encode(
        {
            name: _section(section, getattr(defaults, name), LATER_FIELDS.get(name, ()))
            for name, section in sections.items()
            if name not in UNNAMED and (name not in LATER or section != getattr(defaults, name))
        }
    )


def _section(section: msgspec.Struct, default: msgspec.Struct, later: Sequence[str]) -> msgspec.Raw:
    """A section as JSON, without what is `later` and as it is by default."""
    if not later:
        return msgspec.Raw(_encoder.encode(section))
    return msgspec.Raw(
        msgspec.json.encode(
            {
                name: msgspec.Raw(_encoder.encode(value))
                for name, value in msgspec.structs.asdict(section).items()
                if name not in later or value != getattr(default, name)
            }
        )
    )


def _check_quotas(where: str, candidates: CandidateSettings, asked: int) -> None:
    """Raises `SettingsError` where the sources can't share their part of the pool within the bounds."""
    least, most = asked * candidates.quota_least, asked * candidates.quota_most
    held = least - ROUNDED <= candidates.quota_part <= most + ROUNDED
    if candidates.quotas != "fixed" and not held:
        raise SettingsError(
            f"{where}: candidates.quota_part is {candidates.quota_part:g}, but {asked} sources that have from"
            f" quota_least to quota_most have {least:g} to {most:g} of the pool together: expected a part"
            " between these"
        )


def _check(where: str, named: Iterable[str], sources: Sequence[str]) -> None:
    unknown = [name for name in named if name not in sources]
    if unknown:
        raise SettingsError(f"{where} names {', '.join(unknown)}; expected some of {', '.join(sources)}")
