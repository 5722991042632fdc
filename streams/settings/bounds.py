"""Kinds of values that several sections have."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Positive = Annotated[int, Meta(gt=0)]
PositiveFloat = Annotated[float, Meta(gt=0)]
Weight = Annotated[float, Meta(ge=-1e6, le=1e6)]
Share = Annotated[float, Meta(ge=0, le=1e6)]
Count = Annotated[int, Meta(gt=0, le=1_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Prefix = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]*\Z", max_length=64)]
HostName = Annotated[
    str, Meta(pattern=r"^(\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)\Z", max_length=253)
]
Namespace = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+\Z", max_length=63)]
