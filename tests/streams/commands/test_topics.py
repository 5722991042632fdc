from __future__ import annotations

import pytest

from streams.commands.main import main
from streams.settings.connections import KafkaSettings


@pytest.fixture
def cluster(kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP", kafka_settings.bootstrap)
    monkeypatch.setenv("HEADRACE_KAFKA__PREFIX", kafka_settings.prefix)
    monkeypatch.setenv("HEADRACE_KAFKA__PARTITIONS", "3")
    return kafka_settings


def test_topics_are_made_and_may_be_asked_for_again(
    cluster: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["topics"]) == 0
        printed = capsys.readouterr().out.splitlines()
        assert f"{cluster.prefix}clicks  3 partitions" in printed
        assert f"{cluster.prefix}dead-letters  1 partition" in printed
        assert len(printed) == 7


def test_topics_with_another_number_of_partitions_are_an_error(
    cluster: KafkaSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topics"]) == 0
    monkeypatch.setenv("HEADRACE_KAFKA__PARTITIONS", "4")
    assert main(["topics"]) == 2
    assert "has 3 partitions, expected 4" in capsys.readouterr().err


def test_cluster_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP", "127.0.0.1:1")
    assert main(["topics"]) == 2
    assert "127.0.0.1:1" in capsys.readouterr().err
