"""What `headrace replay` is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.errors import SettingsError
from streams.offline.replay.asked import ScheduledRequest
from streams.settings.tree import DEFAULT_ARM

# Told now and then how far the run is: the stage in words, steps done, steps in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ReplayOptions:
    """`warm`: the share of the stream, by events, that warms and trains before anything is predicted.

    `model`: a folder of an exported model; None trains one on the warm part; "none" ranks by counters alone.
    `limit`: only the first so many events of the stream. `slates`: where to write every slate, JSON lines.
    `fp32`: rank with the unquantized model as well. `renew_every`: the model goes on learning after every so
    many predicted events. `impressions`: lists that were shown are ranked, and not the next item among all;
    `plant_drift`: those of the second part stand in reverse order. `offered`: as if so many places of each
    slate had been shown, and all of them looked at alike (`reweighting.eta` is 0), so that what learns from
    answers learns; 0 for none. `requests`: what is asked on the way (`asked`), with the answers written to
    `answers`.
    """

    warm: float = 0.5
    seed: int = 7
    model: str | None = None
    limit: int | None = None
    slates: Path | None = None
    fp32: bool = False
    renew_every: int | None = None
    arm: str = DEFAULT_ARM
    impressions: bool = False
    plant_drift: bool = False
    offered: int = 0
    requests: tuple[ScheduledRequest, ...] = ()
    answers: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.warm < 1:
            raise SettingsError(f"--warm {self.warm}: expected a share between 0 and 1, as in --warm 0.5")
        if self.limit is not None and self.limit < 2:
            raise SettingsError(f"--limit {self.limit}: expected at least 2 events")
        if self.offered < 0:
            raise SettingsError(f"--offered {self.offered}: expected a number of places, 0 for none")
        if self.plant_drift and not self.impressions:
            raise SettingsError("--plant-drift reverses lists that were shown: it needs --impressions")
        if bool(self.requests) != (self.answers is not None):
            raise SettingsError("--requests and --answers go together: one is read, the other is written")
        alone = {
            "--slates": self.slates,
            "--fp32": self.fp32,
            "--renew-every": self.renew_every,
            "--offered": self.offered,
            "--requests": self.requests,
        }
        if self.impressions and (given := [name for name, value in alone.items() if value]):
            raise SettingsError(f"--impressions ranks shown lists with one model: leave {given[0]} out")
        if self.renew_every is None:
            return
        if self.renew_every < 1:
            raise SettingsError(f"--renew-every {self.renew_every}: expected at least 1 event")
        if self.model is not None:
            raise SettingsError(
                "--renew-every goes on with the model that the warm part trains: leave --model out"
            )
        if self.fp32:
            raise SettingsError("--renew-every changes the model on the way: leave --fp32 out")


def silent(_stage: str, _done: int, _total: int) -> None:
    """The progress that shows nothing."""
