"""Imports from the `demo` extra, which a production deployment leaves out."""

from __future__ import annotations

import importlib
from typing import Any

from model.errors import LocalStackError


def from_demo_extra(module: str) -> Any:
    """A module of the `demo` extra (untyped: these wheels ship no types).

    >>> from_demo_extra("no_such")
    Traceback (most recent call last):
    model.errors.LocalStackError: the module no_such is missing; run `pip install 'headrace[demo]'`
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise LocalStackError(f"the module {module} is missing; run `pip install 'headrace[demo]'`") from None
