"""`headrace distil`: a smaller model beside its teacher, with what it loses said; nothing is replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.loaded import load_model
from export.manifest import RESCORER
from model.checkpoint import load_checkpoint
from model.ranking import ranks_of
from streams.commands.main import FAILED, main
from streams.offline.training.distillation import examples_in


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_encoder: Path) -> Path:
    """Ratings in which each user goes round the items in order; model "first" in models/, what it was trained
    on in kept/ and as shards in shards/.
    """
    folder = tmp_path_factory.mktemp("distil")
    rng = np.random.default_rng(1)
    lines = ["user,item,ts,rating"]
    for k in range(900):
        user = int(rng.integers(30))
        lines.append(f"u{user},i{(user + k // 30) % 60},{1_700_000_000 + k * 60},{rng.integers(1, 6)}")
    (folder / "ratings.csv").write_text("\n".join(lines))
    data = ["--interactions", str(folder / "ratings.csv"), "--registry", str(folder / "models")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADRACE_MODEL__TEXT_ENCODER", str(small_encoder))
        words = ["train", *data, "--name", "first", "--epochs", "2", "--keep", str(folder / "kept")]
        assert main(words) == 0
        assert main(["examples", *data, "--out", str(folder / "shards"), "--segments", "2"]) == 0
    return folder


def distil(place: Path, name: str, *more: str, examples: str = "kept") -> int:
    models = ["--registry", str(place / "models"), "--examples", str(place / examples)]
    form = ["--width", "16", "--hidden", "24", "16", "--epochs", "2"]
    return main(["distil", "--from", "first", *models, "--name", name, *form, *more])


@pytest.mark.parametrize("examples", ["kept", "shards"])
def test_a_student_is_registered_and_what_it_loses_is_said(
    place: Path, examples: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"by-{examples}"
    assert distil(place, name, examples=examples) == 0
    said = capsys.readouterr().out
    teacher, student = (load_model(place / "models" / each) for each in ("first", name))
    assert student.manifest.files[RESCORER].bytes < teacher.manifest.files[RESCORER].bytes
    assert student.manifest.text_encoder == teacher.manifest.text_encoder
    assert student.manifest.counters == teacher.manifest.counters
    assert student.manifest.retrieves == teacher.manifest.retrieves
    assert student.vocabulary == teacher.vocabulary

    facts = student.manifest.training
    learn, judged = examples_in(place / examples)
    assert facts["teacher"] == "first"
    assert (facts["examples"], facts["judged"]) == tuple(sum(map(len, each)) for each in (learn, judged))
    (big, _, vocabulary), (small, _, _) = (
        load_checkpoint(place / "models" / each) for each in ("first", name)
    )
    before, after = (ranks_of(net, judged, vocabulary) for net in (big, small))
    gains = [
        np.where((ranks > 0) & (ranks <= 10), 1 / np.log2(np.maximum(ranks, 1) + 1), 0.0)
        for ranks in (before, after)
    ]
    apart = gains[0] - gains[1]
    assert facts["ndcg10_lost"] == pytest.approx([apart.mean(), apart.std(ddof=1) / len(apart) ** 0.5])
    assert f"{facts['ndcg10_lost'][0]:.4f} lost" in " ".join(said.split())


def test_names_that_are_taken_and_folders_without_examples_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert distil(place, "first") == FAILED
    assert "a name of its own" in capsys.readouterr().err
    assert distil(place, "small", "--from", "nobody") == FAILED
    assert "nobody" in capsys.readouterr().err
    assert distil(place, "small", examples=str(tmp_path)) == FAILED
    assert "make them with `headrace train --keep`" in " ".join(capsys.readouterr().err.split())
    assert distil(place, "small", "--width", "15") == FAILED
    assert "not a multiple of heads" in capsys.readouterr().err
    assert not (place / "models" / "small").exists()
