"""Create the missing topics, and check that all topics have the partitions that the settings say.

  headrace topics

Any process may do this at any time. The command does not change existing topics; a topic with another number
of partitions is an error. The gateway and the workers do the same when they start.
"""

from __future__ import annotations

import argparse
import asyncio

from streams.commands.options import add_settings, settings_from
from streams.kafka.topics import ensure_topics, partition_counts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    kafka = settings_from(args).kafka
    asyncio.run(ensure_topics(kafka))
    for topic, partitions in partition_counts(kafka).items():
        print(f"{topic}  {partitions} partition{'s' if partitions > 1 else ''}")
    return 0
