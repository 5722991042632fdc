"""The sections that say how slates are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from model.actions import ActionName
from streams.settings.bounds import Count, Positive, PositiveFloat, Share, Weight


def _source_weights() -> dict[str, float]:
    return {
        "transitions": 0.3,
        "trending": 0.1,
        "popular": 0.1,
        "nearest": 0.1,
        "fresh": 0.1,
        "entities": 0.2,
        "learned": 0.3,
    }


def _source_reserve() -> dict[str, int]:
    return {"nearest": 6, "fresh": 10}


class CandidateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pool`: how many candidates are rescored; `per_source`: how many each source may bring.

    `sources`: the sources that are asked; () for all. `history`: of how many of the user's newest items they
    read the pairs; 0 for all. `weights`: of a source in the fusion of ranks (1 where none is named),
    `rank_constant` its constant. `reserve`: places of the pool that a source's best candidates have in any
    case.

    `quotas`: whether that is so ("fixed"), or the sources share the part `quota_part` of the pool by what
    they earned, by its mean or by a draw of it ("mean", "thompson"); then each has from `quota_least` to
    `quota_most` of the pool.
    """

    pool: Count = 120
    per_source: Count = 300
    sources: tuple[str, ...] = ()
    history: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    rank_constant: Annotated[float, Meta(gt=0, le=1e6)] = 60.0
    weights: dict[str, Share] = msgspec.field(default_factory=_source_weights)
    reserve: dict[str, Annotated[int, Meta(ge=0, le=1_000_000)]] = msgspec.field(
        default_factory=_source_reserve
    )
    fresh_half_life_s: Annotated[float, Meta(gt=0, le=1e10)] = 7 * 86_400.0
    quotas: Literal["fixed", "mean", "thompson"] = "fixed"
    quota_part: Annotated[float, Meta(ge=0, le=1)] = 0.5
    quota_least: Annotated[float, Meta(ge=0, le=1)] = 0.02
    quota_most: Annotated[float, Meta(gt=0, le=1)] = 0.25


class IndexSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The search for near items. `from_items`: with fewer, each search looks at all of them; with as many or
    more, at the cells of an index that may hold what is asked for. `watch_every`: one search in so many is
    made again, exactly, beside the service, to tell the index's recall; 0 for none.
    """

    from_items: Annotated[int, Meta(gt=0, le=2_000_000_000)] = 20_000
    watch_every: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 1_000


class RescoringSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`enabled`: the model scores the candidates; else they keep the order of the pool."""

    enabled: bool = True


class AdaptationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`enabled`: what was learned from answers moves the scores of a model; else they stay as they are."""

    enabled: bool = True


class FeedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`size`: items kept in a user's feed. `repeat`: whether items that the user met may come back, or by
    which actions alone they must have been met to do so.

    `fresh_place`: the place (from 1) kept for a new item, 0 for none. `rating_weight`: what one star of the
    expected rating above the mean adds to the click logit. `task_weights`: what the logarithm of a further
    task's probability adds, by the task's name (see `model.tasks`). `aversion`: how far what is close to what
    the user did not like falls: at most to exp(-aversion) of its chance (see `ranking/aversion.py`).
    """

    size: Annotated[int, Meta(gt=0, le=200)] = 20
    repeat: bool | tuple[ActionName, ...] = False
    fresh_place: Annotated[int, Meta(ge=0)] = 12
    rating_weight: Weight = 0.3
    task_weights: dict[str, Weight] = msgspec.field(default_factory=dict)
    aversion: Annotated[float, Meta(ge=0, le=100)] = 2.0
    popular_every_s: PositiveFloat = 1.0


class ArmSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One arm of an experiment. `model`: the registered model that scores its slates; "" for the active one.
    `stages`: what differs from the sections `candidates`, `rescoring`, `feed` and `exploration`, under their
    names, and `reweighting.enabled`.
    """

    model: str = ""
    stages: dict[str, Any] = msgspec.field(default_factory=dict)


class LadderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the rungs of the degradation ladder are taken, by how long events would wait on the rung above.

    A rung that would begin where the next one does is left out. So is `fewer` by default: it saves an eighth of
    the work, so under load it would take the place of the full model for most, not of the counters.
    """

    fewer_at_ms: PositiveFloat = 100.0
    counters_at_ms: PositiveFloat = 100.0
    popular_at_ms: PositiveFloat = 150.0
    fewer_pool: Positive = 64


class GraphSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The knowledge graph; "" for none. `triples`: a file of heads, relations and tails. `links`: which item
    each of its entities is; without it, items are found in the triples by their own ids.

    `hub_items`: what is linked to more items than this says nothing of any of them.
    """

    triples: str = ""
    links: str = ""
    hub_items: Positive = 200
