"""Bounds of parameters that the routes check themselves, as /schema says them."""

from __future__ import annotations

from litestar.openapi.spec import OpenAPIType, Schema

from streams.gateway.addresses import id_schema
from streams.gateway.feed_route import FEED_TEMPLATE
from streams.gateway.live.asked import LIVE_TEMPLATE
from streams.gateway.records.item_routes import ITEMS_PATH
from streams.gateway.records.listing import PAGE_DEFAULT, PAGE_MOST
from streams.gateway.records.user_routes import USERS_PATH

Bounds = dict[tuple[str, str], Schema]


def number(least: int, most: int, default: int) -> Schema:
    """A whole number in bounds."""
    return Schema(type=OpenAPIType.INTEGER, minimum=least, maximum=most, default=default)


def parameter_bounds(feed_size: int, feed_default: int) -> Bounds:
    """By the path's template ("" for any) and the parameter's name."""
    page = number(1, PAGE_MOST, PAGE_DEFAULT)
    return {
        ("", "user_id"): id_schema(),
        ("", "item_id"): id_schema(),
        (FEED_TEMPLATE, "n"): number(1, feed_size, feed_default),
        (LIVE_TEMPLATE, "n"): number(1, feed_size, feed_default),
        (ITEMS_PATH, "n"): page,
        (USERS_PATH, "n"): page,
    }
