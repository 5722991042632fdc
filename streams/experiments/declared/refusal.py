"""Why a declaration is refused: where, what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from model.errors import SettingsError

Path = tuple[str, ...]


class DeclarationError(SettingsError):
    """A declaration can't be. `path`: the keys down to what is wrong. `line`: of the file, from 1; 0 where
    there is none.
    """

    def __init__(self, path: Path, expected: str, came: str, remedy: str, line: int = 0) -> None:
        self.path, self.expected, self.came, self.remedy, self.line = path, expected, came, remedy, line
        place = f" (line {line})" if line else ""
        super().__init__(f"{'.'.join(path)}{place}: expected {expected}, got {came}; {remedy}")

    def at_line(self, line: int) -> DeclarationError:
        """The same, with the line that says so."""
        return DeclarationError(self.path, self.expected, self.came, self.remedy, line)


def unknown(
    path: Path, name: str, known: Iterable[str], what: str = "", remedy: str = ""
) -> DeclarationError:
    """A name that is not among those known.

    >>> str(unknown(("experiments", "a", "alpa"), "alpa", ["alpha", "arms"]))
    "experiments.a.alpa: expected one of alpha, arms, got 'alpa'; did you mean 'alpha'?"
    """
    known = list(known)
    near = get_close_matches(name, known, 1)
    meant = f"did you mean {near[0]!r}?" if near else ""
    return DeclarationError(
        path,
        f"one of {', '.join(known)}{f', {what}' if what else ''}"
        if known
        else f"none{f': {what}' if what else ''}",
        repr(name),
        meant or remedy or "take it out, or correct its name",
    )
