"""The state of renewals outlives the process; the lock does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from model.errors import DataError, ModelError
from streams.offline.renewal.renewal_state import STATE, RenewalState, load_state, only_one, save_state

HOLD = """
import sys
from pathlib import Path
from streams.offline.renewal.renewal_state import only_one

with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert load_state(tmp_path) == RenewalState()
    for progress in (RenewalState(5, "new", "old"), RenewalState(6)):
        save_state(tmp_path, progress)
        assert load_state(tmp_path) == progress
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("[]")
    with pytest.raises(DataError, match="delete it to begin anew"):
        load_state(tmp_path)


def test_two_do_not_renew_at_once(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(ModelError, match="another process renews"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(ModelError, match="another process renews"), only_one(tmp_path):
                pass
        finally:
            other.kill()
        other.wait()
        with only_one(tmp_path):
            pass
