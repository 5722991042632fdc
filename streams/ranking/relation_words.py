"""What two items have in common, in words: "also directed by the director of", "same genre (Comedy) as"."""

from __future__ import annotations

from streams.signals.entity_signals import Shared
from streams.state.knowledge_graph import Graph

STEM = 4  # letters by which "director" is known to belong to "directed by"


def shared_words(graph: Graph, shared: Shared) -> str:
    """Words that lead from the candidate to the item of the history, whose title is to follow them."""
    name = graph.names[shared.entity]
    if shared.entity == shared.candidate:
        tie = graph.between(shared.item, shared.candidate)
        return f"{tie.forward[0]} of" if tie.forward else "linked to"
    mine, its = graph.between(shared.candidate, shared.entity), graph.between(shared.item, shared.entity)
    for relation in mine.forward:
        if relation in its.forward:
            return _same(relation, [role for role in mine.backward if role in its.backward], name)
    for role in mine.backward:
        if role in its.backward:
            return f"same {role}{_in_brackets(name)} as"
    return f"has {name} in common with" if name else "has to do with"


def _same(relation: str, roles: list[str], name: str) -> str:
    """The same relation to the same entity.

    >>> _same("directed by", ["director"], ""), _same("directed by", [], "Agnès Varda")
    ('also directed by the director of', 'also directed by Agnès Varda, as')
    >>> _same("genre", [], "Comedy"), _same("produced by", [], "")
    ('same genre (Comedy) as', 'also produced by the same as')
    """
    if not relation.endswith(" by"):
        return f"same {relation}{_in_brackets(name)} as"
    if name:
        return f"also {relation} {name}, as"
    role = next((f"the {role} of" for role in roles if role[:STEM] == relation[:STEM]), "the same as")
    return f"also {relation} {role}"


def _in_brackets(name: str) -> str:
    return f" ({name})" if name else ""
