"""What a page shows in place of what could not be had: the problem that the API's route would answer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from streams.gateway.errors import Problem, ProblemError, problem
from streams.gateway.ranking.forwarding import ForwardError

T = TypeVar("T")


async def tried(asking: Awaitable[T], otherwise: T) -> tuple[T, Problem | None]:
    """What is asked for, and why it is `otherwise`; a page is shown all the same."""
    try:
        return await asking, None
    except ProblemError as error:
        return otherwise, error.problem
    except ForwardError:
        return otherwise, problem(
            503,
            "elsewhere",
            expected="a gateway that ranks by itself",
            came='ranker.where = "elsewhere"',
            remedy="open the page of a gateway with a ranker of its own",
        )
