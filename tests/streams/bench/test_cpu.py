from __future__ import annotations

import sys
import time
from pathlib import Path

from streams.bench.cpu import CpuMeter
from streams.local.processes import ChildProcess

BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ntime.sleep(60)"


def test_counts_what_a_child_spent_also_when_it_has_ended(tmp_path: Path) -> None:
    log = tmp_path / "busy.log"
    with ChildProcess("busy", [sys.executable, "-c", BUSY], log) as child:
        meter = CpuMeter({"busy": [child.pid], "idle": []})
        end_s = time.monotonic() + 60
        while "done" not in log.read_text() and time.monotonic() < end_s:
            time.sleep(0.02)
        meter.look()
        while_it_ran = meter.spent_s()
    meter.look()
    assert while_it_ran["busy"] > 0.05  # some may have been spent before the meter was made
    assert while_it_ran["idle"] == 0.0
    assert meter.spent_s()["busy"] >= while_it_ran["busy"]
