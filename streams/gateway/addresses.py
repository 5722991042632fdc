"""Ids in the path of an address: which ones there are, and how /schema says so."""

from __future__ import annotations

from litestar.openapi.spec import OpenAPIType, Schema

from streams.gateway.errors import ProblemError, problem

ID_MAX = 128


def check_path_id(name: str, value: str) -> str:
    """The id; raises `ProblemError` for one that no record can have."""
    if 1 <= len(value) <= ID_MAX:
        return value
    raise ProblemError(
        problem(
            400,
            "out_of_range",
            expected=f"{name}: 1 to {ID_MAX} characters",
            came=f"{len(value)} characters",
            remedy=f"ask again with {name} in range",
        )
    )


def id_schema() -> Schema:
    """What an id in a path may be: "." and ".." are steps in a path, and a slash ends the id."""
    return Schema(type=OpenAPIType.STRING, min_length=1, max_length=ID_MAX, pattern=r"^(?!\.{1,2}$)[^/]+$")
