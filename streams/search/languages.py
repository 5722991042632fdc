"""Languages whose words have endings: which one a text is in, and the stems of its words.

Stems are Snowball's (Porter, 2001), as tantivy brings them. They are made of words without accents, so that a
query without them finds what is written with them. Scripts without spaces need no stems, see `scripts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

import tantivy

from streams.search.analysis import is_word
from streams.search.scripts import normalized

# Words that say nothing by themselves: they tell the language, and a query can do without them.
_FUNCTION_WORDS = {
    "arabic": "في من على إلى عن مع هذا هذه التي الذي أو و لا ما كل بين بعد ذلك",
    "danish": "og i det at en den til er som på de med han af for ikke der var et har jeg fra eller",
    "dutch": ("de het een en van in is dat op te voor met zijn niet aan er om ook als bij deze uit of"),
    "english": (
        "the a an and of to in for with on is it this that by from at as are be or you your not have"
    ),
    "finnish": ("ja on ei se että oli hän mutta myös kun ovat joka sen niin tai kuin ole tämä mitä voi"),
    "french": (
        "le la les un une des et de du en pour avec sur dans est au aux ce cette que qui ne pas par sans"
    ),
    "german": (
        "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine einer als auch aus"
    ),
    "greek": "και το να του η της με που την από για τα στο είναι τον σε ο οι στην δεν μια θα τους",
    "hungarian": ("a az és hogy nem is egy ez van meg csak de volt azt már vagy mint ha még el ki le fel"),
    "italian": (
        "il lo la i gli le un una di e in per con su da del della che non è sono come più anche dal nel"
    ),
    "norwegian": ("og i det på som er en til å han av for med at var de ikke den har jeg om et men ut fra"),
    "portuguese": ("o a os as um uma de do da dos das e em no na para com por que não se mais como ao pelo"),
    "romanian": ("de și la în cu pe un o este care nu din mai pentru sau ce sunt fi prin până dar al ai"),
    "russian": "и в не на с что по это как из для от но к у за мы вы или так его ее при без до",
    "spanish": ("el la los las un una de del y en para con por que no se su es lo como más al o sin sobre"),
    "swedish": (
        "och i att det som en på är av för med den till inte har de om ett han men var jag från eller"
    ),
    "turkish": ("ve bir bu için ile da de çok daha olan gibi en ne ama o var mi kadar olarak sonra her"),
}
LANGUAGES = tuple(_FUNCTION_WORDS)
FUNCTION_WORDS = {name: frozenset(map(normalized, told.split())) for name, told in _FUNCTION_WORDS.items()}
REMEMBERED = 16_384
"""Words whose stem is at hand: a query asks for that of each word twice, and most words are asked again."""
_ENOUGH = 2  # function words that tell a language


def language_of(terms: Iterable[str]) -> str:
    """The language of a text, "" where its words don't tell.

    >>> language_of("a strap for the guitar".split()), language_of("correa para la guitarra de cuero".split())
    ('english', 'spanish')
    >>> language_of(["guitar", "strap"])
    ''
    """
    written = set(terms)
    counts = sorted(((len(words & written), name) for name, words in FUNCTION_WORDS.items()), reverse=True)
    (most, name), (next_most, _) = counts[:2]
    return name if most >= _ENOUGH and most > next_most else ""


def says_nothing(term: str, languages: Iterable[str]) -> bool:
    """Whether a word is a function word of any of these languages."""
    return any(term in FUNCTION_WORDS[name] for name in languages)


def stems(terms: Sequence[str], language: str) -> list[str]:
    """The stems of the words among `terms`, where they are others than the words; none without a language.

    >>> stems(["guitars", "sm57", "strap"], "english"), stems(["guitars"], "")
    (['guitar'], [])
    """
    words = [term for term in terms if is_word(term)]
    if not words or not language:
        return []
    made = _stemmer(language).analyze(" ".join(words))
    return [stem for stem, word in zip(made, words, strict=True) if stem != word]


@lru_cache(maxsize=REMEMBERED)
def stem(term: str, language: str) -> str:
    """The stem of one term; the term itself where it has none."""
    return next(iter(stems([term], language)), term)


@cache
def _stemmer(language: str) -> tantivy.TextAnalyzer:
    whole = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return whole.filter(tantivy.Filter.stemmer(language)).build()
