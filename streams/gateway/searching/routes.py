"""GET and POST /v1/search, GET /v1/suggest, POST /v1/admin/search/rebuild."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from streams.events.refused_value import with_value
from streams.gateway.answers import JSON, json_answer, response
from streams.gateway.bodies import body_of
from streams.gateway.errors import says
from streams.gateway.feeds import NO_STORE
from streams.gateway.idempotency import AT_WORK, IdempotentAnswers
from streams.gateway.loopback import check_loopback
from streams.gateway.openapi import body_as
from streams.gateway.operations import IDEMPOTENCY_KEY
from streams.gateway.ranking.cursor import PATTERN
from streams.gateway.ranking.filtered import wrong
from streams.gateway.ranking.json_bodies import decoded
from streams.gateway.ranking.on_request import UNANSWERED
from streams.gateway.ranking.parameters import check_once
from streams.gateway.searching.bodies import COMPLETIONS_MAX, PLACES_MAX, SearchBody
from streams.gateway.searching.facets import FacetsAsked, FacetValues
from streams.gateway.searching.found import SearchResult
from streams.gateway.searching.searches import PATH, Searches
from streams.ranking.attribute_expression import LENGTH_MAX
from streams.search.wanted import RELEVANCE, VALUES, Sort

KINDS: tuple[type[msgspec.Struct], ...] = (SearchBody,)
"""What their bodies are made of, for /schema."""
QUERY_MAX = 16_384
MANY = ("categories", "tags", "exclude", "facets")
EXAMPLE = {"q": "leather guitar strap under 50", "user_id": "ann", "n": 5, "facets": ["categories", "price"]}
Text = Annotated[str, msgspec.Meta(max_length=256)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Price = Annotated[float | None, QueryParameter(description="A bound of the price, included.", ge=0, le=1e12)]
Names = Annotated[list[Text] | None, QueryParameter(description="May stand several times.", max_items=64)]
User = Annotated[
    str | None, QueryParameter(description="Whose history may count.", min_length=1, max_length=128)
]


class Completion(msgspec.Struct):
    """`kind`: "query" (others have searched for it), "category", "maker" or "item". `item_id`: of an item."""

    text: str
    kind: str
    item_id: str | None = None


class Completions(msgspec.Struct):
    """`corrected`: what was typed, as it was probably meant; null where it is well spelt."""

    query: str
    corrected: str | None
    completions: list[Completion]


class Rebuilt(msgspec.Struct):
    """How many items the new index has."""

    items: int


def searching_routes(searches: Searches, answers: IdempotentAnswers) -> list[HTTPRouteHandler]:
    """The routes of this room."""
    refusals = {**says(400, "A parameter is out of range, unknown, or can't be read"), **UNANSWERED}
    of_bodies = {
        **says(408, "The body did not come to its end in time"),
        **says(409, AT_WORK),
        **says(413, "The body is too large"),
        **says(422, "The body asks for what can't be"),
    }

    @get(
        PATH,
        summary="Search",
        description=(
            "Items for a text, by its words in any language, by its meaning, and by what it names; scored by "
            "the model with the query as one of its views. Words for prices are understood. Nothing in the "
            "text is a syntax. Where a user is named, the answer counts as shown, unless `impression=false`. "
            "Without `q` it answers the user's feed within the filter. In another order than relevance "
            "(`sort`) it gives all that has the words, for everybody alike; `facets` counts that."
        ),
        tags=["search"],
        responses=refusals,
    )
    async def read_search(
        request: Request[Any, Any, Any],
        q: Annotated[str, QueryParameter(description="What is searched for.", max_length=QUERY_MAX)] = "",
        user_id: User = None,
        session: User = None,
        n: Annotated[int, QueryParameter(description="How many items.", ge=1, le=PLACES_MAX)] = 10,
        cursor: Annotated[
            str | None,
            QueryParameter(description="Of the answer before.", pattern=PATTERN, max_length=64),
        ] = None,
        categories: Names = None,
        tags: Names = None,
        price_from: Price = None,
        price_to: Price = None,
        available: Annotated[bool, QueryParameter(description="false: withdrawn items too.")] = True,
        attributes: Annotated[
            str | None,
            QueryParameter(description="What an item must have, as `colour:red`.", max_length=LENGTH_MAX),
        ] = None,
        exclude: Annotated[
            list[Id] | None, QueryParameter(description="Items not to be found.", max_items=1_000)
        ] = None,
        sort: Annotated[
            Sort, QueryParameter(description="The order of the places. Items without a price come last.")
        ] = RELEVANCE,
        facets: FacetsAsked = (),
        facet_values: FacetValues = VALUES,
        personal: Annotated[bool, QueryParameter(description="false: the same for everybody.")] = True,
        surface: Annotated[
            str | None, QueryParameter(description="Where it is shown.", max_length=256)
        ] = None,
        impression: Annotated[bool, QueryParameter(description="false: no impression is logged.")] = True,
        explain: Annotated[bool, QueryParameter(description="With what each score is the sum of.")] = False,
    ) -> Response[SearchResult]:
        known = SearchBody.__struct_fields__
        check_once(request, [name for name in known if name not in MANY])
        given = {
            "q": q, "user_id": user_id, "session": session, "n": n, "cursor": cursor,
            "categories": categories, "tags": tags, "price_from": price_from, "price_to": price_to,
            "available": available, "attributes": attributes, "exclude": exclude, "personal": personal,
            "surface": surface, "impression": impression, "explain": explain, "sort": sort, "facets": facets,
            "facet_values": facet_values,
        }  # fmt: skip
        try:
            body = msgspec.convert(
                {name: each for name, each in given.items() if each is not None}, SearchBody
            )
        except msgspec.ValidationError as error:
            raise wrong("parameters within their bounds", with_value(str(error), given)) from None
        return response(await searches.answer(body))

    @post(
        PATH,
        status_code=200,
        summary="Search, with a body",
        description="What GET takes as parameters, as a body.",
        tags=["search"],
        operation_class=body_as(SearchBody, EXAMPLE, [IDEMPOTENCY_KEY]),
        responses={**refusals, **of_bodies},
    )
    async def ask_search(request: Request[Any, Any, Any]) -> Response[SearchResult]:
        raw = await body_of(request)
        body = decoded(raw, SearchBody)
        return response(
            await answers.answer(
                request.scope["headers"], f"POST {PATH}", raw, partial(searches.answer, body), body.user
            )
        )

    @get(
        "/v1/suggest",
        summary="Completions of what is being typed",
        description=(
            "Past queries of several users, categories, makers and titles with a word that begins so; where "
            "there is none, of what was probably meant."
        ),
        tags=["search"],
        responses=refusals,
    )
    async def read_suggestions(
        request: Request[Any, Any, Any],
        q: Annotated[str, QueryParameter(description="What was typed.", max_length=QUERY_MAX)] = "",
        n: Annotated[int, QueryParameter(description="How many.", ge=1, le=COMPLETIONS_MAX)] = 10,
    ) -> Response[Completions]:
        check_once(request, ("q", "n"))
        made = await searches.suggest(q, n)
        found = [Completion(*each) for each in made.completions]
        return response(json_answer(200, Completions(q, made.corrected or None, found), JSON, NO_STORE))

    @post(
        "/v1/admin/search/rebuild",
        status_code=200,
        summary="Make the search index anew",
        description=(
            "From the records of all items in the store. The former index answers until the new one is "
            "whole. `headrace search rebuild` asks for it."
        ),
        tags=["search"],
        responses={**says(403, "Not from a loopback address"), **refusals},
    )
    async def rebuild_search(request: Request[Any, Any, Any]) -> Response[Rebuilt]:
        check_loopback(request)
        return response(json_answer(200, Rebuilt(await searches.rebuild()), JSON, NO_STORE))

    return [read_search, ask_search, read_suggestions, rebuild_search]
