"""`python -m streams.local [FOLDER]`: a real Kafka and Valkey on free ports until Ctrl-C (or SIGTERM).

It prints the settings for a worker, a gateway or a test, as `export` lines for a shell:

    export HEADRACE_KAFKA__BOOTSTRAP=127.0.0.1:23456
    export HEADRACE_REDIS__URL=redis://127.0.0.1:23457/0

With a FOLDER, the folder keeps the data from one run to the next; without it nothing stays.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path

from model.errors import HeadraceError
from streams.local.stack import LocalStack


def main(folder: Path | None) -> None:
    # A plain SIGTERM would end this process without leaving the `with` block.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        contextlib.suppress(KeyboardInterrupt),
        LocalStack(folder=folder, progress=lambda step: print(f"# {step}", flush=True)) as stack,
    ):
        print(f"export HEADRACE_KAFKA__BOOTSTRAP={stack.settings.kafka.bootstrap}")
        print(f"export HEADRACE_REDIS__URL={stack.settings.redis.url}")
        print("# running until Ctrl-C", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    except HeadraceError as error:
        sys.exit(f"streams.local: {error}")
