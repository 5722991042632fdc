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
from streams.settings.sections import CandidateSettings, FeedSettings, RescoringSettings
from streams.settings.stages import StageSettings
from streams.state.action_meaning import Meanings

DIGEST_BYTES = 8
_encoder = msgspec.json.Encoder(order="deterministic")


class _Named(msgspec.Struct):
    """What a digest is made of."""

    candidates: CandidateSettings
    rescoring: RescoringSettings
    feed: FeedSettings


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
        digest=_digest(settings),
        asked=tuple(at for at, name in enumerate(sources) if name in (candidates.sources or sources)),
        weights=np.array([candidates.weights.get(name, 1.0) for name in sources], np.float64),
        reserve=np.array([candidates.reserve.get(name, 0) for name in sources], np.int64),
        meanings=meanings.repeating(settings.feed.repeat),
    )


def _digest(settings: StageSettings) -> str:
    named = _Named(settings.candidates, settings.rescoring, settings.feed)
    return hashlib.blake2b(_encoder.encode(named), digest_size=DIGEST_BYTES).hexdigest()


def _check(where: str, named: Iterable[str], sources: Sequence[str]) -> None:
    unknown = [name for name in named if name not in sources]
    if unknown:
        raise SettingsError(f"{where} names {', '.join(unknown)}; expected some of {', '.join(sources)}")
