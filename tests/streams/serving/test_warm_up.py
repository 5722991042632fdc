"""After the warm-up nothing is left to compile: the first user does not wait for it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import gc
from numba.core.dispatcher import Dispatcher
from streams.serving.warm_up import warm_up
from streams.settings.tree import Settings
from tests.streams.core import toy_model
from tests.streams.ranking.test_adaptation import lessons
from tests.streams.ranking.test_workspace import driven, few, many

def compiled():
    kernels = [each for each in gc.get_objects() if isinstance(each, Dispatcher)]
    ours = [each for each in kernels if each.py_func.__module__.split(".")[0] in ("streams", "model")]
    return {f"{each.py_func.__module__}.{each.py_func.__name__}": len(each.signatures) for each in ours}

warm_up(Settings())
before = compiled()
small = driven()
small.core.recommend(many(small))
small.core.recommend(few(small))
for row in (1, 2, 3):
    small.act("u1", row, rating=1.0)
    small.core.recommend([small.request("u1")])
small.core.serve(toy_model(small.core.pipeline))
small.core.learn(lessons(small.core, 5))
assert small.draft("u1").adapted
after = compiled()
assert sum(after.values()) > 30, after
print(sorted(name for name, count in after.items() if count != before.get(name, 0)))
"""


def test_nothing_is_compiled_after_the_warm_up() -> None:
    """In a process of its own: in this one other tests have compiled everything."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
