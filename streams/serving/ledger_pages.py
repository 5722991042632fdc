"""A page of the ledger, and what the core does with the entries of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.learning.lesson import decode_lesson, newest_lesson_row
from streams.recommender import Recommender
from streams.serving.lessons import learn, taught_by
from streams.state.ledger import Record, decode_record
from streams.stores.ledger_entries import LedgerEntry

LEDGER_PAGE = 500


class Page(NamedTuple):
    """What was read of the ledger after a position, by the writer that this process was then."""

    after: str
    writer: str
    entries: Sequence[LedgerEntry]

    @property
    def end(self) -> str:
        """The position after which the next one begins."""
        return self.entries[-1].position if self.entries else self.after

    @property
    def last(self) -> bool:
        """Whether the ledger ended with it."""
        return len(self.entries) < LEDGER_PAGE


def pieces(entries: Sequence[LedgerEntry], most: int) -> list[Sequence[LedgerEntry]]:
    """In their order, `most` in each but the last."""
    return [entries[at : at + most] for at in range(0, len(entries), most)]


def read_records(entries: Sequence[LedgerEntry]) -> tuple[list[Record], int]:
    """What the entries say, and the newest row that any of them names."""
    records = [decode_record(entry.payload) for entry in entries]
    return records, max(map(_newest_in, records), default=-1)


def _newest_in(record: Record) -> int:
    rows = [interaction.row for interaction in record.interactions]
    rows += [row for row, _ in record.items]
    rows += [int(shown.rows.max()) for shown in record.impressions if len(shown.rows)]
    rows.append(newest_lesson_row(map(decode_lesson, record.lessons)))
    return max(rows)


def follow_records(recommender: Recommender, records: Sequence[Record]) -> None:
    """Count what others have applied."""
    for record in records:
        recommender.follow(record)


def learn_entries(recommender: Recommender, after: str, entries: Sequence[LedgerEntry]) -> bool:
    """Learn from what they bring, behind the position `after`; False where lessons before it are missing."""
    return learn(recommender, after, [taught_by(entry) for entry in entries])
