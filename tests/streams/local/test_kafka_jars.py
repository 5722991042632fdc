"""Kafka's jars: whole or not there, and only those that were pinned."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from model.errors import LocalStackError
from streams.local import kafka_jars
from streams.local.kafka_jars import CHECKSUMS, KAFKA_VERSION, verify


def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, pinned: bytes) -> None:
    """Let the download be one jar with `content`, where `pinned` is expected."""

    def download(work: Path) -> list[Path]:
        jar = work / "one.jar"
        jar.write_bytes(content)
        return [jar]

    checksums = tmp_path / "sums"
    checksums.write_text(f"{hashlib.sha256(pinned).hexdigest()}  one.jar\n")
    monkeypatch.setattr(kafka_jars, "download", download)
    monkeypatch.setattr(kafka_jars, "CHECKSUMS", checksums)


def test_they_are_downloaded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, tmp_path, b"jar", pinned=b"jar")
    folder = kafka_jars.kafka_jars(tmp_path / "cache")
    assert (folder / "one.jar").read_bytes() == b"jar"
    assert list((tmp_path / "cache").iterdir()) == [folder]

    def fail(work: Path) -> list[Path]:
        raise AssertionError("downloaded again")

    monkeypatch.setattr(kafka_jars, "download", fail)
    assert kafka_jars.kafka_jars(tmp_path / "cache") == folder


def test_a_changed_jar_is_refused_and_nothing_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, tmp_path, b"changed", pinned=b"jar")
    with pytest.raises(LocalStackError, match=r"one\.jar has SHA-256"):
        kafka_jars.kafka_jars(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_jar_that_is_not_pinned_is_refused(tmp_path: Path) -> None:
    (tmp_path / "extra.jar").write_bytes(b"")
    with pytest.raises(LocalStackError, match="expected no such jar"):
        verify([tmp_path / "extra.jar"], CHECKSUMS)


def test_the_folder_of_a_faster_process_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, tmp_path, b"jar", pinned=b"jar")
    mine = kafka_jars.download

    def slower(work: Path) -> list[Path]:
        folder = work.parent / f"kafka-{KAFKA_VERSION}"
        folder.mkdir()
        (folder / "theirs.jar").touch()
        return mine(work)

    monkeypatch.setattr(kafka_jars, "download", slower)
    folder = kafka_jars.kafka_jars(tmp_path)
    assert [jar.name for jar in folder.iterdir()] == ["theirs.jar"]


def test_the_pinned_jars_are_of_the_pinned_version() -> None:
    names = [line.split()[1] for line in CHECKSUMS.read_text().splitlines()]
    assert f"kafka_2.13-{KAFKA_VERSION}.jar" in names
    assert f"kafka-clients-{KAFKA_VERSION}.jar" in names
