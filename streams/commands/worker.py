"""Run a worker: events from Kafka into states, counters and feeds in the store, until SIGTERM or Ctrl-C.

  headrace worker --settings headrace.toml

It answers /healthz, /readyz and /metrics on worker.host and worker.port. On SIGTERM it finishes the batch in
flight and leaves the group, within worker.drain_deadline_s; the exit status is then 0. A second signal ends
it at once.
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
