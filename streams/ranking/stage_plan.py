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
from streams.settings.stages import StageSettings
from streams.state.action_meaning import Meanings

DIGEST_BYTES = 8
LATER = ("exploration",)
"""Sections of the stage settings that came after slates were first named by them."""
UNNAMED = ("reweighting",)
"""Sections that name no slate by themselves."""
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
    return StagePlan(
        settings=settings,
        rung=rung,
        digest=hashlib.blake2b(bytes_of(settings), digest_size=DIGEST_BYTES).hexdigest(),
        asked=tuple(at for at, name in enumerate(sources) if name in (candidates.sources or sources)),
        weights=np.array([candidates.weights.get(name, 1.0) for name in sources], np.float64),
        reserve=np.array([candidates.reserve.get(name, 0) for name in sources], np.int64),
        meanings=meanings.repeating(settings.feed.repeat),
    )


def bytes_of(settings: StageSettings) -> bytes:
    """What the digest is made of. A section of `LATER` that is as it is by default is left out: slates are
    named as they were before there was that section.
    """
    defaults, sections = StageSettings(), msgspec.structs.asdict(settings)
    return msgspec.json.encode(
        {
            name: msgspec.Raw(_encoder.encode(section))
            for name, section in sections.items()
            if name not in UNNAMED and (name not in LATER or section != getattr(defaults, name))
        }
    )


def _check(where: str, named: Iterable[str], sources: Sequence[str]) -> None:
    unknown = [name for name in named if name not in sources]
    if unknown:
        raise SettingsError(f"{where} names {', '.join(unknown)}; expected some of {', '.join(sources)}")
