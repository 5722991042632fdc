"""The bytes of events, against a parser of the standard, however they are cut on their way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.live.server_sent import PING, event, retry
from tests.streams.gateway.live.strict_events import Event, StrictEvents

LINES = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=30)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@given(
    sent=st.lists(st.tuples(IDS, st.lists(LINES, min_size=1, max_size=3), st.booleans()), max_size=6),
    cut=st.integers(1, 40),
)
def test_what_is_written_is_what_is_read(sent: list[tuple[str, list[str], bool]], cut: int) -> None:
    stream = retry(1_500)
    for revision, lines, pinged in sent:
        stream += event("feed", revision, "\n".join(lines).encode()) + (PING if pinged else b"")
    reader, read = StrictEvents(), list[Event]()
    for at in range(0, len(stream), cut):
        read += reader.feed(stream[at : at + cut])
    assert read == [Event("feed", "\n".join(lines), revision) for revision, lines, _ in sent]
    assert reader.retry_ms == 1_500
    assert reader.comments == ["ping"] * sum(pinged for *_, pinged in sent)
