"""The state of renewals, on disk beside the models; and the lock that keeps two from running at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from model.errors import DataError, ModelError

STATE, LOCK = ".renewal.json", ".renewal.lock"


class RenewalState(msgspec.Struct, frozen=True):
    """`last_ms`: when the last renewal ended, with any outcome. `pending`: a better model that no worker has
    confirmed yet, and `against`: the model that it was compared with.
    """

    last_ms: int = 0
    pending: str = ""
    against: str = ""


def load_state(registry: Path) -> RenewalState:
    """The saved state, or a new one if there is none. `DataError` if the file can't be read."""
    path = registry / STATE
    try:
        return msgspec.json.decode(path.read_bytes(), type=RenewalState)
    except FileNotFoundError:
        return RenewalState()
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: expected the state of renewals: {error}; delete it to begin anew") from None


def save_state(registry: Path, progress: RenewalState) -> None:
    """Write the state whole, or not at all."""
    path = registry / STATE
    staging = path.with_suffix(".writing")
    with staging.open("wb") as file:
        file.write(msgspec.json.encode(progress))
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)


@contextmanager
def only_one(registry: Path) -> Iterator[int]:
    """Hold the lock on renewals of this registry; `ModelError` if another process has it.

    The lock belongs to the file descriptor that this yields: the system frees it when the last process with
    the descriptor ends, in any way.
    """
    registry.mkdir(parents=True, exist_ok=True)
    with (registry / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ModelError(
                f"another process renews the models of {registry} now; wait for it, or stop it"
            ) from None
        yield file.fileno()
