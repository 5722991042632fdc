"""What a gateway reads of the learner, in a process that runs no recommender."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from streams.recommender import Recommender
from streams.serving.kept_counters import copied
from streams.settings.reading import override
from streams.settings.tree import Settings

ROOT = Path(__file__).parents[3]
READ = """
import sys
from pathlib import Path
from streams.serving.learned import learned
from streams.settings.reading import override
from streams.settings.tree import Settings

settings = override(Settings(), {"reweighting": {"enabled": True}})
found = learned(settings, Path(sys.argv[1]).read_bytes(), "5-0")
assert found.report is not None and found.report.levels["global"].guard.evidence == 0.0
print("numba.np.arraymath" in sys.modules)
"""


def test_it_is_read_without_compiled_code(tmp_path: Path) -> None:
    """The first compiled function of a process takes a second, and somebody with a browser waits for it."""
    recommender = Recommender(override(Settings(), {"reweighting": {"enabled": True}}))
    (tmp_path / "snapshot").write_bytes(copied(recommender).pack())
    command = [sys.executable, "-c", READ, str(tmp_path / "snapshot")]
    read = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stdout.strip()) == (0, "False"), read.stderr
