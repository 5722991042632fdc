"""A folder has one namespace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model.errors import SettingsError
from streams.commands.main import main
from streams.serving.claim import OWNER, claim


def test_a_folder_is_its_first_namespaces(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "too"
    for _ in range(2):
        claim(folder, "shop", "examples.folder")
    with pytest.raises(SettingsError, match=r"examples\.folder .*'shop', and this is 'news': give each"):
        claim(folder, "news", "examples.folder")
    assert [path.name for path in folder.iterdir()] == [OWNER]


def test_a_folder_can_be_given_to_another(tmp_path: Path) -> None:
    claim(tmp_path, "shop", "examples.folder")
    (tmp_path / OWNER).unlink()
    claim(tmp_path, "news", "examples.folder")


def test_a_worker_does_not_log_among_the_examples_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    claim(tmp_path, "shop", "examples.folder")
    monkeypatch.setenv("HEADRACE_EXAMPLES__FOLDER", str(tmp_path))
    monkeypatch.setenv("HEADRACE_NAMESPACE", "news")
    assert main(["worker"]) == 2
    assert "headrace worker: examples.folder" in capsys.readouterr().err


def test_of_several_at_once_one_is_first(tmp_path: Path) -> None:
    def taken(name: str) -> bool:
        try:
            claim(tmp_path, name, "examples.folder")
        except SettingsError:
            return False
        return True

    names = [f"n{n % 8}" for n in range(64)]
    with ThreadPoolExecutor(8) as threads:
        won = {name for name, first in zip(names, threads.map(taken, names), strict=True) if first}
    assert won == {(tmp_path / OWNER).read_text().strip()}
