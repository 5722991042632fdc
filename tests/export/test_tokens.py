"""Tokens of the tokenizers library: what they do not know, and folders without any."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from export.manifest import TextManifest
from export.tokens import LibraryTokens, load_tokens, unknown_in
from model.errors import ManifestError

WORDS = {"[UNK]": 3, "film": 1, "a": 2}
MANIFEST = TextManifest(
    name="e",
    created_ms=0,
    encoder="e",
    dim=4,
    files={},
    texts=0,
    cosine_mean=1.0,
    cosine_min=1.0,
    versions={},
)


@pytest.mark.parametrize(
    ("model", "unknown"),
    [
        (models.WordPiece(WORDS, unk_token="[UNK]"), 3),
        (models.WordLevel(WORDS, unk_token="[UNK]"), 3),
        (models.BPE({"a": 0, "b": 1}, []), None),
        (models.Unigram([("a", -1.0), ("<unk>", -2.0)], unk_id=1), 1),
        (models.Unigram([("a", -1.0)]), None),
    ],
)
def test_what_stands_for_the_unknown(tmp_path: Path, model: models.Model, unknown: int | None) -> None:
    Tokenizer(model).save(str(tmp_path / "t.json"))
    assert unknown_in(tmp_path / "t.json") == unknown


def test_texts_are_cut_and_halves_are_unknown() -> None:
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens = LibraryTokens(tokenizer)
    assert tokens.ends == 0
    assert tokens.ids(["a film 运", "\ud83d"]) == [[2, 1, 3], [3]]
    tokens.cut(2)
    assert tokens.ids(["a film 运"]) == [[2, 1]]


def test_a_folder_without_tokens_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"lists neither tokenizer\.json nor pieces\.npz"):
        load_tokens(tmp_path, MANIFEST)
