"""Requests as a gateway takes them, answered along a replay: the slate that it gave, made again.

A line of JSON is one request. `after` is how many events of the stream come before it, `ts` its moment and
`cause` its name: the two stand in the gateway's answer, and name the slate together with what was asked.

  {"after": 9000, "ts": 1763934000131, "cause": "d3…", "rank": {"user_id": "u-7", "items": ["181", "50"]}}
  {"after": 9000, "ts": 1763934000131, "cause": "e-1", "user_id": "u-7", "feed": {"n": 5}}

`rank` is the body of POST /v1/rank, `feed` that of POST /v1/users/{user_id}/feed. A feed without parameters
is the one that a worker made at the user's last event: its `ts` and `cause` are that event's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from model.errors import DataError, RequestError, SettingsError
from streams.events.schema import Id
from streams.gateway.errors import ProblemError
from streams.gateway.feeds import DEFAULT_N
from streams.gateway.ranking.bodies import RankBody
from streams.gateway.ranking.feed_body import PLACES_MAX, FeedBody
from streams.gateway.ranking.rank_route import asked_of
from streams.gateway.ranking.ranked import Ranked, ranked
from streams.learning import kept_slates_codec
from streams.offline.stream_driver import Prequential
from streams.serving.ranker_asked import Asked
from streams.serving.ranker_batch import rank
from streams.serving.ranker_request import Waiting
from streams.settings.tree import DEFAULT_ARM, Settings
from streams.state import user_state_codec
from streams.state.event_meaning import Encode, encoded

Cause = Annotated[str, Meta(min_length=1, max_length=128)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request. Of `rank` and `feed` there is one; `user_id` goes with `feed`."""

    after: Annotated[int, Meta(ge=0)]
    ts: Annotated[int, Meta(ge=0)]
    cause: Cause
    rank: RankBody | None = None
    feed: FeedBody | None = None
    user_id: Id | None = None


class ScheduledRequest(NamedTuple):
    """What is asked after so many events, in the words of its answer. `places`: how many of the slate's
    places are told; None for all. `line`: where it stands.
    """

    after: int
    ts_ms: int
    asked: Asked
    places: int | None
    explain: bool
    line: str


def read_requests(path: Path, settings: Settings) -> list[ScheduledRequest]:
    """Those of a file, in the order of `after`. Raises `DataError` with the line that can't be."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"--requests {path}: {error.strerror}; name a file of JSON lines") from None
    found = []
    for number, raw in enumerate(lines, 1):
        if raw.strip():
            try:
                found.append(_asked_then(raw, settings, f"{path}, line {number}"))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise DataError(f"--requests {path}, line {number}: {error}") from None
            except ProblemError as error:
                told = error.problem
                raise DataError(
                    f"--requests {path}, line {number}: expected {told.expected}; came {told.came}"
                ) from None
    return sorted(found, key=lambda each: each.after)


def _asked_then(raw: bytes, settings: Settings, where: str) -> ScheduledRequest:
    line = msgspec.json.decode(raw, type=Line)
    if (line.rank is None) == (line.feed is None):
        raise DataError(f"--requests {where}: expected rank or feed, and one of them")
    if line.rank is not None:
        asked = replace(asked_of(line.rank, settings.ranker.candidates_max), cause=line.cause)
        return ScheduledRequest(line.after, line.ts, asked, None, line.rank.explain, where)
    feed = line.feed or FeedBody()
    if line.user_id is None or feed.cursor:
        raise DataError(f"--requests {where}: a feed needs user_id beside it, and has no cursor here")
    n = min(DEFAULT_N, settings.feed.size) if feed.n is None else feed.n
    most = settings.feed.size if feed.plain else min(max(n, settings.ranker.feed_places), PLACES_MAX)
    asked = feed.asked(line.user_id, most, line.cause)
    return ScheduledRequest(line.after, line.ts, asked, n, feed.explain, where)


class Answering:
    """Answers requests as a ranker does that has read so much of the stream. `arm`: for those that name none;
    the default one leaves it to the user's experiments.
    """

    def __init__(
        self,
        asked: Sequence[ScheduledRequest],
        run: Prequential,
        encode: Encode | None,
        arm: str = DEFAULT_ARM,
    ) -> None:
        self._waiting, self._run, self._encode = list(reversed(asked)), run, encode
        self._arm = "" if arm == DEFAULT_ARM else arm
        begin, end = run.at, len(run.stream.interactions)
        for each in asked:
            if not begin <= each.after <= end:
                raise SettingsError(
                    f"--requests {each.line}: after {each.after}; expected {begin} to {end}: what comes "
                    "before is the part that warms (--warm)"
                )

    def due(self) -> list[Ranked]:
        """The answers to what is asked after as many events as the run has learned."""
        answers = []
        while self._waiting and self._waiting[-1].after == self._run.at:
            answers.append(self._answer(self._waiting.pop()))
        return answers

    def _answer(self, then: ScheduledRequest) -> Ranked:
        asked, run = replace(then.asked, arm=then.asked.arm or self._arm), self._run
        texts = encoded([each.as_text for each in asked.given.values() if each.as_text], self._encode)
        kept = run.slates.get(asked.user)
        waiting = Waiting(
            asked,
            user_state_codec.encode(run.state(asked.user)),
            encoded([asked.query], self._encode).get(asked.query) if asked.query else None,
            user_state_codec.encode(run.state(asked.session)) if asked.session else None,
            None if kept is None else kept_slates_codec.encode(kept),
            texts,
        )
        (answer,) = rank(run.recommender, [waiting], then.ts_ms).answers
        if isinstance(answer, RequestError):
            raise DataError(f"--requests {then.line}: {answer}")
        if isinstance(answer, Exception):
            raise answer
        places = len(answer.slate.items) if then.places is None else then.places
        return ranked(answer, range(min(places, len(answer.slate.items))), then.explain)
