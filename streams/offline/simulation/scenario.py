"""What `headrace simulate` plays: who comes, how they choose, and what happens on the way. Read from TOML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from model.errors import SettingsError
from streams.settings.reading import toml_file
from streams.settings.stages import merge

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
AttackKind = Literal["flood", "loop", "last", "item"]


class Drift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At visit `at` the world changes. `reversed`: of this share of the items, drawn at random, the most
    popular one becomes the least popular of them, and so on. `turned`: tastes turn by so many degrees.
    """

    at: Count
    reversed: Share = 0.5
    turned: Annotated[float, Meta(ge=-360, le=360)] = 0.0


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hostile users, who come from visit `begins` on. `share`: of all users. `often`: how many times as often
    as the others each of them comes.

    `flood` clicks all that is shown. `loop` goes through the same three items again and again. `last` clicks
    the last place. `item` clicks one item, the same for all of them, whether it is shown or not.
    """

    share: Annotated[float, Meta(gt=0, lt=1)]
    kind: AttackKind = "flood"
    begins: Count = 0
    often: Annotated[float, Meta(gt=0, le=1_000)] = 1.0


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is planted in an arm. `utility`: so much more is each item worth that it shows. `sorted`: so large
    a share of its slates is shown in the true best order.
    """

    arm: str
    utility: Annotated[float, Meta(ge=-10, le=10)] = 0.0
    sorted: Share = 0.0


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`visits`: how often a feed is read by honest users, in all. `users`: how many there are; 0 for those of
    the data. `newcomers`: the share of them of whom nothing is known. `entry`: users who are not known come
    first within this share of the time, evenly spread.

    `places`: of a feed that is read. `clicks`: what an honest user clicks on a slate of what is most popular,
    on average; the level of the outside option follows from it. `position_bias`: the exponent of the
    place by which looks fall. `satiation`: what an item is worth less for each like it that the user clicked
    just now (a tenth of it for one that they only looked at); half of it is gone after
    `satiation_half_life_s`. `rated`: the share of the clicks after which a rating comes, where the data has
    ratings. `explored`: the share of slates that are shown in a random order. `rank`: numbers of a taste.
    """

    visits: Annotated[int, Meta(ge=1, le=100_000_000)] = 20_000
    users: Count = 0
    newcomers: Share = 0.0
    entry: Share = 0.0
    places: Annotated[int, Meta(ge=1, le=200)] = 10
    clicks: Annotated[float, Meta(gt=0)] = 0.5
    position_bias: Annotated[float, Meta(ge=0, le=10)] = 0.7
    satiation: Annotated[float, Meta(ge=0, le=100)] = 0.3
    satiation_half_life_s: Annotated[float, Meta(gt=0, le=1e9)] = 3_600.0
    rated: Share = 0.5
    explored: Share = 0.0
    rank: Annotated[int, Meta(ge=1, le=256)] = 16
    drift: Drift | None = None
    attack: Attack | None = None
    effect: Effect | None = None

    def __post_init__(self) -> None:
        most = sum(place**-self.position_bias for place in range(1, self.places + 1))
        if self.clicks >= most:
            raise ValueError(
                f"clicks is {self.clicks:g}, but only {most:.2f} of {self.places} places are looked at with"
                f" position_bias {self.position_bias:g}: expected less"
            )
        begins_at = {} if self.drift is None else {"drift.at": self.drift.at}
        begins_at |= {} if self.attack is None else {"attack.begins": self.attack.begins}
        for name, begins in begins_at.items():
            if begins >= self.visits:
                raise ValueError(f"{name} is {begins}, but visits is {self.visits}: expected less")


def read_scenario(path: Path | None, over: Mapping[str, Any]) -> Scenario:
    """A TOML file (or none) with the values of `over`, tables in tables; raises `SettingsError`.

    >>> read_scenario(None, {"visits": 500, "drift": {"at": 200}}).drift.reversed
    0.5
    >>> read_scenario(None, {"drift": {"at": 90_000}})
    Traceback (most recent call last):
    model.errors.SettingsError: scenario: drift.at is 90000, but visits is 20000: expected less
    """
    tree: dict[str, Any] = {}
    if path is not None:
        tree, _ = toml_file(path, f"--scenario {path}")
    merge(tree, over)
    try:
        return msgspec.convert(tree, Scenario, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"scenario: {error}") from None
