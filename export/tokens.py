"""Texts to token ids: a `tokenizer.json` of the tokenizers library, or pieces of a unigram model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from tokenizers import Tokenizer

from export.manifest import PIECES, TOKENIZER, TextManifest
from export.sentencepiece.pieces import load_pieces
from model.errors import ManifestError
from model.surrogates import made_whole


class Tokens(Protocol):
    """`ends`: how many ids stand for a text's ends alone."""

    @property
    def ends(self) -> int: ...

    def cut(self, max_tokens: int) -> None:
        """From now on a text has so many ids at most, its ends counted."""

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each text; halves of UTF-16 pairs count as unknown."""


class LibraryTokens:
    """Those of the tokenizers library, without padding."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.ends = len(tokenizer.encode("").ids)

    def cut(self, max_tokens: int) -> None:
        self._tokenizer.enable_truncation(max_tokens)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [each.ids for each in self._tokenizer.encode_batch(list(map(made_whole, texts)))]


def load_tokens(folder: Path, manifest: TextManifest) -> Tokens:
    """Those of a folder of `registry/text/`. Raises `ManifestError`."""
    if PIECES in manifest.files:
        return load_pieces(folder / PIECES)
    if TOKENIZER not in manifest.files:
        raise ManifestError(
            f"{folder}: the manifest lists neither {TOKENIZER} nor {PIECES}; export the text encoder again"
        )
    return LibraryTokens(load_tokenizer(folder / TOKENIZER))


def load_tokenizer(path: Path) -> Tokenizer:
    """A `tokenizer.json` of the tokenizers library."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain exceptions
        raise ManifestError(f"{path} is no tokenizer.json ({error}); export the text encoder again") from None


def unknown_in(path: Path) -> int | None:
    """The id that a `tokenizer.json` has for what it does not know; None where it knows every byte."""
    model = msgspec.json.decode(path.read_bytes())["model"]
    if (found := model.get("unk_id")) is not None:
        return int(found)
    name = model.get("unk_token")
    return None if name is None else load_tokenizer(path).token_to_id(name)
