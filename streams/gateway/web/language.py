"""In which language a page is: English or Chinese, as its reader chose, or as the browser says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args

from litestar import Request

from streams.gateway.web.rooms import folders

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "en"
COOKIE = "headrace_language"
IN_BROWSER = "js"
"""The table of a room's texts that the page's modules get, too."""
_PLACEHOLDER = re.compile(r"\{(\w+)(?::([^{}|]*)\|([^{}|]*))?\}")
"""`{n}` is the value `n`, and `{n:item|items}` the word that goes with it: of one, and of any other."""


def chosen(request: Request[Any, Any, Any]) -> Language | None:
    """What the address asks for (`?lang=zh`); None where it asks for none that there is."""
    return _known(request.query_params.get("lang", ""))


def language_of(request: Request[Any, Any, Any]) -> Language:
    """By the address, the cookie of an earlier choice, or Accept-Language; else English."""
    cookie = _known(request.cookies.get(COOKIE, ""))
    return chosen(request) or cookie or preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> Language:
    """The language that an Accept-Language header likes best, of those there are.

    >>> preferred("zh-CN,zh;q=0.9,en;q=0.8"), preferred("de, en;q=0.5, zh;q=0.7"), preferred("")
    ('zh', 'zh', 'en')
    >>> preferred("zh;q=0, fr"), preferred("*;q=nonsense")
    ('en', 'en')
    """
    best: Language = DEFAULT
    highest = 0.0
    for each in accepted[:1_000].split(","):
        tag, _, parameter = each.partition(";")
        known, quality = _known(tag.strip().lower().partition("-")[0]), _quality(parameter)
        if known is not None and quality > highest:
            best, highest = known, quality
    return best


class Texts:
    """The texts of one language, by key: the room, a dot, the key in its file."""

    def __init__(self, language: Language, by_key: Mapping[str, str]) -> None:
        self.language, self.by_key = language, by_key

    def __call__(self, key: str, **values: object) -> str:
        """The text, its placeholders filled. Raises `KeyError` for a key or a value that lacks.

        >>> said = Texts("en", {"web.hello": "Hello, {name}", "web.of": "of {n} {n:item|items}"})
        >>> said("web.hello", name="Wu"), said("web.of", n=1), said("web.of", n=20)
        ('Hello, Wu', 'of 1 item', 'of 20 items')
        """
        return _PLACEHOLDER.sub(lambda found: _filled(found, str(values[found[1]])), self.by_key[key])

    def in_browser(self, room: str) -> dict[str, str]:
        """What the modules of a room's pages say: the tables `js` of the room and of `web`."""
        wanted = tuple(f"{each}.{IN_BROWSER}." for each in {"web", room})
        return {key: text for key, text in self.by_key.items() if key.startswith(wanted)}


@cache
def texts(language: Language) -> Texts:
    """All rooms' texts in a language."""
    found: dict[str, str] = {}
    for room, folder in folders("texts").items():
        for file in sorted(folder.glob(f"{language}*.toml")):
            for key, text in flat(tomllib.loads(file.read_text(encoding="utf-8"))):
                assert f"{room}.{key}" not in found, f"{file}: {key} is there twice"
                found[f"{room}.{key}"] = text
    return Texts(language, found)


def placeholders(text: str) -> set[str]:
    """The names that a text leaves open.

    >>> sorted(placeholders("{a} of {b} {b:mill|mills}, {a}"))
    ['a', 'b']
    """
    return {found[1] for found in _PLACEHOLDER.finditer(text)}


def flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """A table's texts; tables in it give their names to the keys.

    >>> list(flat({"title": "Console", "js": {"lost": "Lost"}}))
    [('title', 'Console'), ('js.lost', 'Lost')]
    """
    for key, value in table.items():
        if isinstance(value, str):
            yield before + key, value
        else:
            yield from flat(value, f"{before}{key}.")


def _filled(found: re.Match[str], value: str) -> str:
    """What stands for a placeholder: the value, or that form of a word which goes with it."""
    one, more = found[2], found[3]
    return value if one is None else one if value == "1" else more


def _known(tag: str) -> Language | None:
    return next((language for language in LANGUAGES if language == tag), None)


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
