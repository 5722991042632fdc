"""How many connections follow feeds at once: in all, and of one user.

A slot is claimed and released in one coroutine, with `try` and `finally` around all that it is held for. So a
connection that is reset, at whichever moment, leaves none taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streams.gateway.errors import ProblemError, problem, retry_after
from streams.settings.live import LiveSettings


class Slots:
    """`taken`: how many there are in all."""

    def __init__(self, settings: LiveSettings, retry_after_s: int) -> None:
        self._settings, self._retry_after_s = settings, retry_after_s
        self._of_users: dict[str, int] = {}
        self.taken = 0

    @contextmanager
    def claimed(self, user: str) -> Iterator[None]:
        """Hold a slot of the user; raises `ProblemError` (503, 429) where there is none."""
        if self.taken >= self._settings.connections_max:
            raise self._refused(503, "busy", self._settings.connections_max, "in all", "connections_max")
        mine = self._of_users.get(user, 0)
        if mine >= self._settings.per_user_max:
            most = self._settings.per_user_max
            raise self._refused(429, "too_many_connections", most, "of one user", "per_user_max")
        self._of_users[user] = mine + 1
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
            if self._of_users[user] == 1:
                del self._of_users[user]
            else:
                self._of_users[user] -= 1

    def _refused(self, status: int, reason: str, most: int, whose: str, setting: str) -> ProblemError:
        wait_s = self._retry_after_s
        return ProblemError(
            problem(
                status,
                reason,
                expected=f"at most {most} live connections {whose}",
                came="another one",
                remedy=f"close one, or begin again in {wait_s} s; live.{setting} says how many there may be",
            ),
            retry_after(wait_s),
        )
