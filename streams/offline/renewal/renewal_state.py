"""How far renewals have come, on disk beside the models; and the lock that keeps two from running at once."""

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
    """`last_ms`: when the last renewal ended, whatever came of it. `pending`: a better model that is not
    known to be active yet, and `against`: the one that it is better than.
    """

    last_ms: int = 0
    pending: str = ""
    against: str = ""


def load_state(registry: Path) -> RenewalState:
    """What was saved; a beginning where nothing was. `DataError` where the file can't be read."""
    path = registry / STATE
    try:
        return msgspec.json.decode(path.read_bytes(), type=RenewalState)
    except FileNotFoundError:
        return RenewalState()
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: expected the state of renewals: {error}; delete it to begin anew") from None


def save_state(registry: Path, progress: RenewalState) -> None:
    """Write it whole, or not at all."""
    path = registry / STATE
    staging = path.with_suffix(".writing")
    with staging.open("wb") as file:
        file.write(msgspec.json.encode(progress))
        file.flush()
        os.fsync(file.fileno())
    staging.replace(path)


@contextmanager
def only_one(registry: Path) -> Iterator[int]:
    """Holds the lock on renewals of this registry; `ModelError` where another process has it.

    The lock is on the file descriptor that is given: the system lets go of it when every process that has it
    has ended, however it ended.
    """
    registry.mkdir(parents=True, exist_ok=True)
    with (registry / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ModelError(
                f"another process renews the models of {registry} just now; wait for it, or stop it"
            ) from None
        yield file.fileno()
