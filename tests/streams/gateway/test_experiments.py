"""Experiments over HTTP: the same steps as on the command line, refused the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from model.errors import StoreUnavailableError
from streams.clock import ManualClock
from streams.experiments.registry.state import decode
from streams.gateway.app import create_app
from streams.gateway.experiment_routes import EXAMPLE
from streams.gateway.experiments import PATH
from streams.settings.reading import override
from streams.settings.tree import Settings
from streams.stores.commit import Commit
from streams.stores.memory import MemoryStore
from tests.streams.experiments.declarations import raw
from tests.streams.experiments.sums import increments
from tests.streams.gateway.conftest import NOW_MS, RecordingSink

HERE = "http://127.0.0.1:8080"


class Api:
    """The app, asked from an address."""

    def __init__(self, store: MemoryStore, settings: Settings, client: str = "127.0.0.1") -> None:
        app: Any = create_app(settings, store, RecordingSink(), ManualClock(NOW_MS))
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(client, 5_000))

    async def __call__(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url=HERE) as client:
            return await client.request(method, PATH + path, **more)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return override(Settings(), {"model": {"registry": str(tmp_path)}, "experiments": {"of-file": raw()}})


@pytest.fixture
def api(store: MemoryStore, settings: Settings) -> Api:
    return Api(store, settings)


async def test_the_way_of_an_experiment(api: Api, store: MemoryStore) -> None:
    answer = await api("PUT", "/e", json=raw(3, share=0.5))
    assert (answer.status_code, answer.json()["experiment"]["state"]) == (200, "declared"), answer.text
    answer = await api("POST", "/e/start", json={"by": "ann"})
    assert answer.json()["entry"]["actor"] == "ann"
    answer = await api("POST", "/e/arms/arm1/stop", json={"because": "worse"})
    assert answer.json()["entry"] | {"state": "", "before": "", "digest": ""} == {
        "number": 3,
        "ts": NOW_MS,
        "actor": "api:127.0.0.1",
        "action": "stop-arm",
        "experiment": "e",
        "said": {"arm": "arm1", "why": "worse", "ms": NOW_MS},
        "state": "",
        "before": "",
        "digest": "",
    }
    answer = await api("GET", "/e")
    assert (answer.json()["state"], answer.json()["stopped_arms"]) == ("running", ["arm1"])
    assert answer.headers["cache-control"] == "no-store"
    answer = await api("POST", "/e/ship", json={"arm": "arm2"})
    assert (answer.json()["experiment"]["state"], answer.json()["experiment"]["winner"]) == (
        "shipped",
        "arm2",
    )
    answer = await api("POST", "/e/stop")
    assert answer.json()["experiment"]["state"] == "stopped"
    names = [each["name"] for each in (await api("GET")).json()["experiments"]]
    assert names == ["e", "of-file"]
    answer = await api("POST", "/e/remove", json={"because": "tidied"})
    assert (answer.json()["experiment"], answer.json()["entry"]["action"]) == (None, "remove")
    names = [each["name"] for each in (await api("GET")).json()["experiments"]]
    assert names == ["of-file"]
    log = (await api("GET", "/audit")).json()
    assert (log["whole"], len(log["entries"])) == (True, 6)
    assert log["head"] == decode(await store.experiments()).head


async def test_what_it_has_come_to(api: Api, store: MemoryStore) -> None:
    await api("PUT", "/e", json=raw())
    answer = await api("GET", "/e/reading")
    assert (answer.status_code, answer.json()["reason"]) == (409, "experiment_not_started")
    assert (await api("GET", "/e/course")).json()["reason"] == "experiment_not_started"
    await api("POST", "/e/start")
    fields = increments(Settings().known_metrics["click_through"], {"arm0": 0.1, "arm1": 0.2}, 500)
    await store.commit(Commit({}, {}, {}, {}, {}, arm_sums={"e": fields}), "w")
    told = (await api("GET", "/e/reading")).json()
    assert "arm1 is better than arm0" in told["verdict"]
    assert told["reading"]["primary"][0]["state"] == "better"
    primary = told["reading"]["primary"][0]
    await store.append_sums_history("e", NOW_MS - 5_000)
    course = (await api("GET", "/e/course")).json()
    assert course["times"] == [NOW_MS - 5_000, NOW_MS]
    assert course["lifts"][0]["low"] == pytest.approx([primary["adjusted"]["low"]] * 2)
    assert course["lifts"][0]["users"] == [1_000, 1_000]
    assert (await api("GET", "/none/reading")).status_code == 404


async def test_what_the_settings_file_declares_is_started(api: Api) -> None:
    assert (await api("POST", "/of-file/start")).json()["experiment"]["state"] == "running"


REFUSED: dict[str, tuple[str, str, Any, int, str, str]] = {
    "unknown": ("GET", "/no", None, 404, "experiment_unknown", "declare it first"),
    "start the unknown": ("POST", "/no/start", None, 404, "experiment_unknown", "declare it first"),
    "a wrong name": ("PUT", "/No", raw(), 422, "bad_declaration", "another name"),
    "a misspelt key": ("PUT", "/e", raw(alpa=1), 422, "bad_declaration", "did you mean 'alpha'?"),
    "a setting that is not there": (
        "PUT",
        "/e",
        raw({"a": {}, "b": {"stages": {"feed": {"sise": 5}}}}),
        422,
        "bad_declaration",
        "did you mean 'size'?",
    ),
    "a model that is not there": (
        "PUT",
        "/e",
        raw({"a": {}, "b": {"model": "none"}}),
        422,
        "bad_declaration",
        "train or copy it there",
    ),
    "a metric that is not there": (
        "PUT",
        "/e",
        raw(primary="sighs"),
        422,
        "bad_declaration",
        "correct its name",
    ),
    "stop what does not run": ("POST", "/of-file/arms/arm1/stop", None, 409, "experiment_not_running", "see"),
    "ship what does not run": (
        "POST",
        "/of-file/ship",
        {"arm": "arm1"},
        409,
        "experiment_not_running",
        "see",
    ),
    "a body that says more": ("POST", "/of-file/start", {"arm": "x"}, 422, "bad_body", "correct the body"),
    "a body of another kind": ("POST", "/of-file/start", [], 422, "bad_body", "correct the body"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_refused_changes_nothing(api: Api, store: MemoryStore, case: str) -> None:
    method, path, body, status, reason, remedy = REFUSED[case]
    answer = await api(method, path, json=body)
    assert (answer.status_code, answer.json().get("reason")) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert remedy in answer.json()["remedy"]
    assert all(answer.json()[key] for key in ("expected", "came", "remedy"))
    assert await store.experiments() is None


async def test_a_body_that_is_no_json(api: Api) -> None:
    for raw_body in (b"{", b'{"a":' * 100_000, b'{"a":"\xff"}'):
        answer = await api("PUT", "/e", content=raw_body)
        assert (answer.status_code, answer.json()["reason"]) == (400, "not_json")
    answer = await api("POST", "/of-file/start", content=b'{"because":"\xff"}')
    assert (answer.status_code, answer.json()["reason"]) == (400, "not_json")


CHANGES = [("PUT", "/e"), ("POST", "/of-file/start"), ("POST", "/of-file/stop"), ("POST", "/of-file/ship")]


@pytest.mark.parametrize(
    ("method", "path"), [*CHANGES, ("POST", "/of-file/arms/arm1/stop"), ("POST", "/of-file/remove")]
)
async def test_changes_are_for_this_machine_alone(
    store: MemoryStore, settings: Settings, method: str, path: str
) -> None:
    answer = await Api(store, settings, "10.0.0.7")(method, path, json=raw())
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_loopback")
    assert await store.experiments() is None
    assert (await Api(store, settings, "10.0.0.7")("GET")).status_code == 200


async def test_a_store_that_is_away(settings: Settings) -> None:
    class Away(MemoryStore):
        async def experiments(self) -> bytes | None:
            raise StoreUnavailableError("no answer")

    for method, path in (("GET", ""), ("GET", "/e"), ("GET", "/audit"), ("POST", "/of-file/start")):
        answer = await Api(Away(), settings)(method, path)
        assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable"), path
        assert "retry-after" in answer.headers


async def test_schema_describes_what_is_taken(api: Api) -> None:
    async with httpx.AsyncClient(transport=api._transport, base_url=HERE) as client:
        document = (await client.get("/schema/openapi.json")).json()
    body = document["paths"][f"{PATH}/{{name}}"]["put"]["requestBody"]["content"]["application/json"]
    schema = {**body["schema"], "components": document["components"]}
    for declaration in (EXAMPLE, raw(), body["examples"]["example"]["value"]):
        jsonschema.validate(declaration, schema)
    for wrong in (raw(alpa=1), raw(alpha=7), {}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    assert (await api("PUT", "/e", json=EXAMPLE)).status_code == 200
