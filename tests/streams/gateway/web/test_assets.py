"""Static files: where they are found, how they are coded, and that an address never changes its content."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import cramjam
import pytest
from litestar.testing import TestClient

from streams.gateway.hot_routes import Gateway
from streams.gateway.web.assets import CHART, CHART_LICENSE, Assets, assets
from streams.gateway.web.rooms import ROOMS, folders

ROOT = Path(__file__).parents[4]
Client = TestClient[Gateway]


def test_every_static_file_has_an_address(client: Client) -> None:
    names = [
        f"{room}/{file.relative_to(folder).as_posix()}"
        for room, folder in folders("static").items()
        for file in folder.rglob("*")
        if file.is_file()
    ]
    assert len(names) > 5
    for name in [*names, CHART, CHART_LICENSE]:
        answer = client.get(assets().address(name))
        assert answer.status_code == 200, name
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("web/base.css", "text/css; charset=utf-8"),
        ("web/page.js", "text/javascript; charset=utf-8"),
        ("web/icons.svg", "image/svg+xml"),
    ],
)
def test_media_types(client: Client, name: str, media_type: str) -> None:
    assert client.get(assets().address(name)).headers["content-type"] == media_type


@pytest.mark.parametrize("coding", ["zstd", "gzip", None])
def test_a_file_is_coded_as_the_client_takes_it(client: Client, coding: str | None) -> None:
    address = assets().address(CHART)
    found = assets().find(assets().digest, CHART, coding)
    assert found is not None
    assert found.coding == coding
    plain = found.body
    if coding == "zstd":
        plain = bytes(cramjam.zstd.decompress(plain))
    elif coding == "gzip":
        plain = gzip.decompress(plain)
    assert b"Chart.js" in plain[:100]
    answer = client.get(address, headers={"accept-encoding": coding or "identity"})
    assert answer.headers.get("content-encoding") == coding
    assert "accept-encoding" in answer.headers["vary"].lower()
    if coding is not None:
        assert int(answer.headers["content-length"]) < len(plain) / 3


@pytest.mark.parametrize(
    "path",
    [
        "/assets/000000000000/web/base.css",
        "/assets/{digest}/web/nothing.css",
        "/assets/{digest}/web/../access.py",
        "/assets/{digest}/web/%2e%2e/access.py",
        "/assets/{digest}//etc/passwd",
        "/assets/{digest}/web/texts/en.toml",
        "/assets/{digest}/web/templates/base.html",
        "/assets/{digest}",
    ],
)
def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert client.get(path.format(digest=assets().digest)).status_code == 404


def test_the_digest_is_of_names_and_contents() -> None:
    digests = [
        Assets(files).digest
        for files in ({"a.js": b"1"}, {"a.js": b"2"}, {"b.js": b"1"}, {"a.js": b"1", "b.js": b""})
    ]
    assert len(set(digests)) == 4
    assert Assets({"a.js": b"1"}).digest == digests[0]


def test_a_file_that_is_not_there_is_an_error_of_the_template() -> None:
    with pytest.raises(KeyError, match=r"web/base\.css"):
        assets().address("web/bass.css")


def test_modules_import_only_files_that_are_there() -> None:
    for room, folder in folders("static").items():
        for file in folder.rglob("*.js"):
            for found in re.findall(r'(?:from|import) "([^"]+)"', file.read_text()):
                assert found.startswith("."), f"{file} imports {found}: only relative paths keep the digest"
                place = (Path("/", room, file.relative_to(folder)).parent / found).as_posix()
                assets().address(str(Path(re.sub(r"[^/]+/\.\./", "", place)).as_posix()).lstrip("/"))


def test_pages_hold_no_code_and_load_nothing_from_elsewhere() -> None:
    """The policy refuses it in a browser; here it is found without one."""
    for folder in folders("templates").values():
        for file in folder.rglob("*.html"):
            text = file.read_text()
            assert not re.search(r"<script(?![^>]*\bsrc=)", text), f"{file} has a script in it"
            assert not re.search(r"""<style|\sstyle=|\son\w+=["']""", text), (
                f"{file} has a style or a handler in it"
            )
            assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text), f"{file} loads from elsewhere"
            assert "|safe" not in text.replace(" ", ""), f"{file} turns escaping off"
    for folder in folders("static").values():
        for file in folder.rglob("*.js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", file.read_text()
            ), f"{file} makes elements of text: use el() of web/page.js"


def test_a_wheel_has_what_pages_need(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    for room in ROOMS.values():
        for kind in ("templates", "static", "texts"):
            for file in (room / kind).rglob("*"):
                if file.is_file():
                    assert file.relative_to(ROOT).as_posix() in packed
