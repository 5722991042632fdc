"""Run a worker: events from Kafka into states, counters and feeds in the store, until SIGTERM or Ctrl-C.

  headrace worker --settings headrace.toml

It answers /healthz, /readyz and /metrics on worker.host and worker.port. SIGTERM drains: the batch in flight
is finished and the group is left, within worker.drain_deadline_s; the exit status is 0 then. A second signal
ends it at once.
"""

from __future__ import annotations

import argparse
import logging

from streams.commands.options import add_settings, settings_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    from streams.worker.serve import serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return serve(settings_from(args))
