"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from streams.settings import Settings, load


def add_settings(parser: argparse._ActionsContainer) -> None:
    """`--settings FILE`."""
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings as TOML; HEADRACE_SECTION__NAME variables override it",
    )


def settings_from(args: argparse.Namespace) -> Settings:
    """The settings of `--settings` and the environment; raises `SettingsError`."""
    return load(args.settings)
