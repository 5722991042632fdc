"""/metrics, and that its labels are bounded."""

from __future__ import annotations

from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from streams.gateway.hot_routes import Gateway

Client = TestClient[Gateway]


def routes(client: Client) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "headrace_gateway_requests_total"
    }


def test_requests_are_counted_by_template_and_status(client: Client) -> None:
    for user in range(3):
        client.get(f"/v1/users/u{user}/feed")
    client.get("/v1/users/u/feed?n=0")
    for path in ("/nowhere", "/else", "/v1/people"):
        client.get(path)
    client.get("/v1/events")
    assert routes(client) == {
        ("/v1/users/{user_id}/feed", "200"): 3,
        ("/v1/users/{user_id}/feed", "400"): 1,
        ("none", "404"): 3,
        ("none", "405"): 1,
    }


def test_a_scrape_is_prometheus_text(client: Client) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"headrace_gateway_produce_seconds", "headrace_gateway_feed_read_seconds"} <= names
