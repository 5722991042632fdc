"""Make the text encoder of the settings, where the registry has none.

  headrace encoder

Texts of items, reviews and searches have a meaning from then on, with or without a model: processes read the
encoder when they start. The first training of a registry makes one, too, and fits it to the texts of its
data; a training that finds one keeps it. The default one takes ten seconds, half a GB of memory meanwhile,
and 90 MB on the disk. It comes out of a wheel, in headrace[demo] and headrace[train].
"""

from __future__ import annotations

import argparse
from pathlib import Path

from export.registry import Registry
from model.errors import ModelError
from model.universal import UNIVERSAL
from streams.commands.options import add_settings, settings_from


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args).model
    if settings.text_encoder != UNIVERSAL:
        raise ModelError(
            f"model.text_encoder {settings.text_encoder!r}: only {UNIVERSAL!r} is made without texts; "
            "headrace train makes others, and fits them to those of its data"
        )
    from export.text_to_onnx import export_missing

    registry = Registry(Path(settings.registry))
    made = export_missing(registry, [])
    folder = registry.text.get(UNIVERSAL)
    print(f"{folder}: {'made' if made else 'was there, and stays as it is'}")
    return 0
