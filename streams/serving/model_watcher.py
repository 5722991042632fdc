"""Who is told what becomes of the models of a process: its metrics, or a person at a terminal."""

from __future__ import annotations

import logging
from typing import Protocol

log = logging.getLogger(__name__)


class ModelWatcher(Protocol):
    """Told in the loop's thread, or in one that loads."""

    def served(self, name: str, provider: str) -> None:
        """The model is in service from now on."""
        ...

    def left(self, name: str, provider: str) -> None:
        """The model is in service no more."""
        ...

    def not_loaded(self, name: str) -> None:
        """The model could not be loaded."""
        ...

    def fell_back(self, asked: str, got: str) -> None:
        """A model runs on another execution provider than the first that was asked for."""
        ...

    def fell_back_to_active(self, name: str, times: int) -> None:
        """So many requests named the model, which is not in service, and were served by the active one."""
        ...

    def warned(self, warning: str) -> None:
        """A model works, and not as well as it could."""
        ...


class LogOnly:
    """Counts nothing; what a person should know is logged."""

    def served(self, name: str, provider: str) -> None: ...

    def left(self, name: str, provider: str) -> None: ...

    def not_loaded(self, name: str) -> None: ...

    def fell_back(self, asked: str, got: str) -> None: ...

    def fell_back_to_active(self, name: str, times: int) -> None: ...

    def warned(self, warning: str) -> None:
        log.warning("%s", warning)
