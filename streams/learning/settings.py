"""Bounds of what is kept of a user's slates, and of the time that an answer has."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class LearningSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`wait_s`: a slate that was shown waits so long for answers; then it is closed and becomes a lesson.

    `keep_s`: a user's kept slates expire so long after they were last written, and never before a slate has
    waited and an hour more. `user_bytes`: what they take at most; how many there are is bounded by
    `state.pending_slates`, and features are kept of `state.pending_items` places of each.
    """

    wait_s: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 1_800.0
    keep_s: Annotated[float, Meta(gt=0, le=365 * 86_400)] = 7 * 86_400.0
    user_bytes: Annotated[int, Meta(ge=1_024, le=1_048_576)] = 16_384

    @property
    def wait_ms(self) -> int:
        """`wait_s` in whole milliseconds."""
        return round(1_000 * self.wait_s)

    @property
    def keep_ms(self) -> int:
        """After how many milliseconds kept slates expire."""
        return round(1_000 * max(self.keep_s, self.wait_s + 3_600.0))
