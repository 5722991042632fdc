"""What all routes share that are answered by a ranker: the ranker, or the problem that says why there is
none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from model.errors import (
    RankerBusyError,
    RankerLateError,
    RankerUnreadyError,
    RequestError,
    SettingsError,
    StoreError,
    StoreUnavailableError,
)
from streams.clock import Clock
from streams.gateway.errors import ProblemError, problem, retry_after, says, unavailable
from streams.gateway.impressions import ImpressionLog, impression_of
from streams.gateway.ranking.forwarding import ForwardError
from streams.ranking.slate import Slate
from streams.settings.tree import Settings

if TYPE_CHECKING:
    from streams.serving.ranker import Ranker
    from streams.serving.ranker_slates import RankedSlate


T = TypeVar("T")

IMPRESSION_MOST = 200
"""So many places an impression has at most."""


UNANSWERED = says(503, "There is no ranker, it has not started or has too much to do, or the store is away")


class OnRequest:
    """`ranker`: None where this process has none."""

    def __init__(
        self, settings: Settings, ranker: Ranker | None, impressions: ImpressionLog, clock: Clock
    ) -> None:
        self.settings, self.clock = settings, clock
        self._ranker, self._impressions = ranker, impressions

    @property
    def ranker(self) -> Ranker:
        """Raises `ForwardError` where one elsewhere is to answer, `ProblemError` where there is none."""
        if self._ranker is None:
            self._hand_on()
            raise ProblemError(
                problem(
                    503,
                    "no_ranker",
                    expected="a gateway that ranks on request",
                    came=f'ranker.where = "{self.settings.ranker.where}"',
                    remedy='set ranker.where to "here", or to "elsewhere" with ranker.addresses',
                )
            )
        return self._ranker

    @property
    def ranks_here(self) -> bool:
        """Whether this process has a ranker."""
        return self._ranker is not None

    def kept(self, slate_id: str) -> RankedSlate | None:
        """A slate that was made here of late; raises `ForwardError` where another process may have it."""
        if self._ranker is None:
            self._hand_on(held=True)
            return None
        return self._ranker.slates.get(slate_id)

    def _hand_on(self, held: bool = False) -> None:
        if self.settings.ranker.where == "elsewhere":
            raise ForwardError(held)

    async def answered(self, asking: Awaitable[T]) -> T:
        """What the ranker answers; raises `ProblemError` where it does not."""
        watch = self.ranker.watch
        again_s = self.settings.gateway.retry_after_s
        try:
            return await asking
        except RankerBusyError as error:
            watch.refused("busy")
            raise self._later("busy", "a ranker with room for one more request", str(error)) from None
        except RankerLateError as error:
            watch.refused("late")
            raise self._later("ranker_late", "an answer within ranker.timeout_ms", str(error)) from None
        except RankerUnreadyError as error:
            watch.refused("unready")
            raise self._later("ranker_unready", "a ranker that has read its counters", str(error)) from None
        except (StoreUnavailableError, TimeoutError) as error:
            watch.refused("store")
            raise unavailable("store", str(error) or "no answer in time", again_s) from None
        except StoreError as error:
            watch.refused("store")
            raise self._later("state_unreadable", "a user's state that can be read", str(error)) from None
        except RequestError as error:
            came, _, expected = str(error).partition("; expected ")
            raise ProblemError(
                problem(
                    422, "bad_request", expected=expected or "what can be asked for", came=came,
                    remedy="correct it; GET /schema describes it",
                )
            ) from None  # fmt: skip
        except SettingsError as error:
            raise ProblemError(
                problem(
                    422, "unknown_arm", expected="an arm of the settings, or of an experiment that runs here",
                    came=str(error), remedy="name one; GET /v1/admin/experiments has those of experiments",
                )
            ) from None  # fmt: skip

    def show(self, slate: Slate, at: Sequence[int], surface: str, event_id: str = "") -> None:
        """Log that these places were shown to the slate's user; under one `event_id` it counts once."""
        at = at[:IMPRESSION_MOST]
        if not at:
            return
        shown = slate
        if at != range(len(at)):  # not the first ones
            told, teams = slate.propensities, slate.teams
            shown = replace(
                slate,
                items=[slate.items[k] for k in at],
                propensities=None if told is None else [told[k] for k in at],
                teams=None if teams is None else [teams[k] for k in at],
            )
        now_ms = self.clock.now_ms()
        self._impressions.add(impression_of(shown, len(at), slate.user_id, now_ms, surface, event_id))

    def _later(self, reason: str, expected: str, came: str) -> ProblemError:
        again_s = self.settings.gateway.retry_after_s
        return ProblemError(
            problem(
                503, reason, expected=expected, came=came,
                remedy=f"try again in {again_s} s; GET /readyz says how the ranker is",
            ),
            retry_after(again_s),
        )  # fmt: skip
