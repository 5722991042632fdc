"""A body of JSON as one struct, or the problem that says what is wrong with it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar import Request

from streams.events.refused_value import read_with_value
from streams.gateway.bodies import body_of
from streams.gateway.errors import ProblemError, problem

S = TypeVar("S", bound=msgspec.Struct)


async def json_body(request: Request[Any, Any, Any], kind: type[S]) -> S:
    """The body of a request that Litestar took; raises what `decoded` raises."""
    return decoded(await body_of(request), kind)


def decoded(raw: bytes, kind: type[S]) -> S:
    """The struct; raises `ProblemError`: 400 where it is no JSON, 422 where it is not of this kind."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        fields = ", ".join(kind.__struct_fields__)
        raise ProblemError(
            problem(
                422, "bad_body", expected=f"a JSON object with some of {fields}",
                came=read_with_value(str(error), raw), remedy="correct the body; GET /schema describes it",
            )
        ) from None  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(
            problem(400, "not_json", expected="a body of JSON in UTF-8", came=str(error), remedy="send JSON")
        ) from None
