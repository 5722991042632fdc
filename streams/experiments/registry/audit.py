"""The log of all changes to experiments: a chain of digests. No entry can be changed, taken out or put in
between without all that follow it being wrong.

An entry's digest is the SHA-256 of the digest before it and of the entry's own JSON, with its keys in order.
The registry holds the digest of the last entry, and each entry the digest of what the experiments were after
it. So a cut at the end and a change of the registry itself are noticed too. Whoever can write to the store
can also make a whole new chain. Keep the head, which `headrace experiments audit` prints, in another place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from streams.experiments.registry.state import Registry, digest

_sorted = msgspec.json.Encoder(order="sorted")


class RegistryChange(NamedTuple):
    """What a step makes of the registry: what was done to which experiment, and what there is to say."""

    registry: Registry
    action: str
    experiment: str
    said: dict[str, Any]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One change. `number` from 1; `ts` in ms. `actor`: who asked for it. `state`: the digest of all
    experiments after it. `before`: the digest of the entry before it, "" for the first one.
    """

    number: int
    ts: int
    actor: str
    action: str
    experiment: str
    said: dict[str, Any]
    state: str
    before: str
    digest: str = ""


class LoggedChange(NamedTuple):
    """A change and its entry in the log."""

    registry: Registry
    entry: Entry


class Verdict(NamedTuple):
    """`broken`: the number of the first entry that is not as it was written, 0 for none; `why` says what is
    wrong. Without a broken entry, `why` is about the registry. `head`: the digest to keep elsewhere.
    """

    entries: int
    head: str
    broken: int = 0
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing was found."""
        return not self.why


def recorded(change: RegistryChange, actor: str, now_ms: int) -> LoggedChange:
    """The change with its entry behind the last one of the log."""
    registry = change.registry
    entry = Entry(
        registry.entries + 1, now_ms, actor, change.action, change.experiment, change.said,
        state=digest(registry), before=registry.head,
    )  # fmt: skip
    entry = msgspec.structs.replace(entry, digest=digest_of(entry))
    return LoggedChange(msgspec.structs.replace(registry, entries=entry.number, head=entry.digest), entry)


def digest_of(entry: Entry) -> str:
    """What an entry's digest must be."""
    body = {name: value for name, value in msgspec.structs.asdict(entry).items() if name != "digest"}
    return hashlib.sha256(entry.before.encode() + _sorted.encode(body)).hexdigest()


def encode_entry(entry: Entry) -> bytes:
    """An entry as it is stored."""
    return _sorted.encode(entry)


def verify(raw: Sequence[bytes], registry: Registry) -> Verdict:
    """Whether these entries are the log of the registry, each as it was written."""
    head, state = "", digest(Registry())
    for number, each in enumerate(raw, 1):
        try:
            entry = msgspec.json.decode(each, type=Entry)
        except msgspec.MsgspecError as error:
            return Verdict(len(raw), head, number, f"it can't be read: {error}")
        if entry.number != number:
            return Verdict(
                len(raw), head, number, f"its number is {entry.number}: entries are missing or moved"
            )
        if entry.before != head:
            return Verdict(len(raw), head, number, "it does not follow the entry before it")
        if entry.digest != digest_of(entry):
            return Verdict(len(raw), head, number, "its content is not what its digest names")
        head, state = entry.digest, entry.state
    if (len(raw), head) != (registry.entries, registry.head):
        return Verdict(
            len(raw), head, len(raw) + 1,
            f"the registry knows {registry.entries} entries, the last with the digest"
            f" {registry.head or '(none)'}: the log's end is missing or new",
        )  # fmt: skip
    if state != digest(registry):
        return Verdict(
            len(raw), head, 0, "the registry is not what the last entry says: it was written past it"
        )
    return Verdict(len(raw), head)
