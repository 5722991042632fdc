"""The settings as people see them: whole, with what differs, and without a password anywhere."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.settings.reading import override
from streams.settings.shown import MASK, Row, flat, masked, server_of, shown
from streams.settings.tree import Settings, written

SECRET = "s3cr@t/pa:ss"


def rows(**tree: object) -> dict[str, Row]:
    return {each.name: each for each in shown(override(Settings(), tree))}


def test_nothing_differs_from_the_defaults_by_itself() -> None:
    found = shown(Settings())
    assert not [each.name for each in found if each.differs]
    assert {each.name for each in found} == {name for name, _ in flat(written(Settings()))} | {
        "kafka.prefix",
        "redis.prefix",
    }


def test_what_differs_is_told_with_its_default() -> None:
    found = rows(feed={"size": 8}, namespace="shop", arms={"bold": {"stages": {"feed": {"size": 5}}}})
    assert found["feed.size"] == Row("feed", "feed.size", "8", "20", True)
    assert found["kafka.prefix"] == Row("kafka", "kafka.prefix", "shop.", "headrace.", True)
    assert found["arms.bold.stages.feed.size"] == Row("arms", "arms.bold.stages.feed.size", "5", "", True)
    assert not found["feed.fresh_place"].differs


def test_a_password_of_a_url_is_never_shown_and_still_differs() -> None:
    found = rows(redis={"url": f"rediss://ann:{SECRET}@store:6380/0"})["redis.url"]
    assert SECRET not in found.value
    assert "ss" not in found.value.partition("://")[2]
    assert found.differs


@given(
    st.text(st.characters(exclude_characters="/?#@", exclude_categories=("Z", "C")), min_size=6, max_size=20),
    st.sampled_from(["redis://u:{}@h/0", "unix://{}@h", "redis://h/0?password={}", "x redis://:{}@h y"]),
)
def test_no_part_of_a_secret_is_left(secret: str, form: str) -> None:
    if "&" in secret or ";" in secret:
        secret = secret.replace("&", "_").replace(";", "_")
    told = masked("redis.url", form.format(f"SECRET{secret}"))
    assert "SECRET" not in told
    assert MASK in told


@pytest.mark.parametrize(
    "url", ["redis://u:a@TAIL@h/0", "redis://h/0?password=a@TAIL&db=1", "rediss://:TAIL@h"]
)
def test_nor_what_follows_an_at_sign_in_it(url: str) -> None:
    assert "TAIL" not in masked("redis.url", url)
    assert "TAIL" not in server_of(url)
    assert "h" in server_of(url)


@pytest.mark.parametrize("name", ["kafka.sasl_password", "x.api_key", "gateway.token", "x.client_secret"])
def test_what_is_named_like_a_secret_is_none(name: str) -> None:
    assert masked(name, "abc") == MASK
    assert masked(name, "") == ""


def test_names_that_only_sound_like_one_are_shown() -> None:
    assert masked("model.text_max_tokens", 128) == 128
    found = {each.name: each.value for each in shown(Settings())}
    assert MASK not in msgspec.json.encode(found).decode()
