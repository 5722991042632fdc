from __future__ import annotations

import sys
import time
from pathlib import Path

from streams.bench.cpu import CpuMeter
from streams.local.processes import ChildProcess

BUSY = """\
import os, sys, time
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
before = time.process_time()
while time.process_time() < before + 0.3: pass
print("done", flush=True)
time.sleep(60)
"""


def test_counts_what_a_child_spent_also_when_it_has_ended(tmp_path: Path) -> None:
    log, begin = tmp_path / "busy.log", tmp_path / "begin"
    with ChildProcess("busy", [sys.executable, "-c", BUSY, str(begin)], log) as child:
        meter = CpuMeter({"busy": [child.pid], "idle": []})
        begin.touch()
        end_s = time.monotonic() + 60
        while "done" not in log.read_text() and time.monotonic() < end_s:
            time.sleep(0.02)
        meter.look()
        while_it_ran = meter.spent_s()
    meter.look()
    assert while_it_ran["busy"] >= 0.28  # the system counts in hundredths
    assert while_it_ran["idle"] == 0.0
    assert meter.spent_s()["busy"] >= while_it_ran["busy"]
