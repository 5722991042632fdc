"""The core as one object: events are folded, counters follow, slates come out.

The worker, `replay` and the making of training examples all drive this class; none has a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.errors import RequestError
from model.schema import F32, HIGHEST_RATING, LOWEST_RATING
from model.tasks import ALWAYS
from streams.counters.counters import Counters
from streams.counters.shares import choosing, own_share
from streams.events.schema import Click, Impression, Review, UserEvent
from streams.experiments.assignment.learned_arms import experiments_that_learn, level_names
from streams.learning.earnings import SourceClicks, SourceEarnings
from streams.learning.experts.adaptive_learner import AdaptiveLearner, LearnerReport
from streams.learning.experts.segments import Segments
from streams.learning.join import JoinedAnswer
from streams.learning.kept_slates import NOTHING_KEPT, KeptSlate, UserSlates
from streams.learning.learner import CountingLearner, Learner
from streams.learning.lesson import Lesson, decode_lesson
from streams.learning.steps import (
    AnswerStep,
    Bounds,
    ShowingStep,
    Step,
    joined_with,
    on_answer,
    on_impression,
    on_made,
)
from streams.ranking.adaptation import Adaptation
from streams.ranking.arm_plans import ArmPlans, earns, learns
from streams.ranking.candidates.quotas import Quotas, shares_of
from streams.ranking.degradation import RUNGS, Rung
from streams.ranking.draft import Draft
from streams.ranking.heads import BASE, head_columns
from streams.ranking.interleaving import interleaved, sides_of
from streams.ranking.model_in_service import ModelInService
from streams.ranking.model_inputs import feature_names
from streams.ranking.pipeline import Pipeline, source_names
from streams.ranking.rank_batch import RankBatch
from streams.ranking.request import RankRequest, search_by
from streams.ranking.request_checks import check
from streams.ranking.rerankers.posterior_scores import PosteriorScores
from streams.ranking.slate import Slate
from streams.ranking.slate_looks import SlateLooks
from streams.ranking.slate_of_draft import slate_of, slates_of
from streams.ranking.stage_plan import StagePlan, stage_plan
from streams.settings.stages import overridden
from streams.settings.tree import DEFAULT_ARM, Settings
from streams.state.catalog import Catalog, ItemRecord, decode_item
from streams.state.event_meaning import items_named
from streams.state.fold import Delivery, apply
from streams.state.knowledge_graph import Graph
from streams.state.ledger import Record
from streams.state.opinion import Opinion
from streams.state.recent_users import RecentUsers
from streams.state.user_state import Interaction, UserState

OnForgotten = Callable[[Sequence[bytes] | None], object]


class Folded(NamedTuple):
    """As `Applied`, and `joined`: what came of looking for the slate of a click or a review among those that
    are kept, before any is closed; None where nobody looked.
    """

    state: UserState
    interaction: Interaction | None = None
    skipped: str | None = None
    joined: JoinedAnswer | None = None


class Recommender:
    """One catalog, one set of counters and the pipeline over them; `graph`: what is known of how items are
    related, if anything.

    `learned_to`: the place in a ledger up to which `learner` has taken the lessons (`streams.serving.lessons`
    brings them in its order); "" where there is no ledger: see `learn_closed`. `columns`:
    the names of what is kept of each place, and learned from: features, then heads. `report`: what the
    learner had come to when `look_back` was called last; None where it only counts. `earnings`: what the
    sources have earned by the same lessons, None where no arm's quotas follow it; `earned`: the last report
    of that. `on_item`: is told of each item that is put, with its row. `recent_users`: what others' records
    say of users, where a process keeps that. `on_forgotten`: is told of users who were deleted, by the
    digests of their ids (`streams.state.tombstone`); of None where it may have been anybody.
    """

    def __init__(self, settings: Settings, graph: Graph | None = None) -> None:
        self.settings = settings
        self.catalog = Catalog(modalities=settings.model.modalities)
        self.meanings = settings.meanings
        self.counters = Counters(settings.counters, self.meanings)
        self.arms = ArmPlans(settings, source_names())
        tasks = further_tasks(settings, self.arms.declared.values())
        self.columns = (*feature_names(source_names()), *head_columns(tasks))
        self.learner, self.earnings = self._learner(), self._earnings()
        self.learned_to, self._closed = "", list[Lesson]()
        self.on_item: Callable[[int, ItemRecord], object] | None = None
        self.recent_users: RecentUsers | None = None
        self.on_forgotten: OnForgotten | None = None
        self.report: LearnerReport | None = None
        self.earned: dict[str, SourceClicks] = {}
        adaptive = self.learner if isinstance(self.learner, AdaptiveLearner) else None
        self.pipeline = Pipeline(
            self.catalog,
            self.counters,
            settings.state.history,
            graph,
            tasks,
            None if adaptive is None else Adaptation(adaptive),
            None if adaptive is None else PosteriorScores(adaptive),
            None if self.earnings is None else Quotas(self.earnings),
        )
        self._index_beside = False
        self.index_beside(False)
        self.blocking = self.meanings.blocking
        self.bounds = Bounds(
            settings.learning.wait_ms,
            settings.state.pending_slates,
            settings.learning.user_bytes,
            settings.state.recent_event_ids,
            frozenset(np.flatnonzero(self.meanings.says > 0).tolist()),
        )
        segments = Segments(settings.reweighting.segment_by)
        self._looks = SlateLooks(self.columns, settings.state.pending_items, segments)

    def _learner(self) -> Learner:
        """What learns from lessons: one that adapts scores, where any arm adapts them or draws by them."""
        if not learns(self.settings):
            return CountingLearner()
        settings = self.settings
        own = experiments_that_learn(settings.reweighting.arms_of, settings.experiments)
        arm_name = level_names(own, DEFAULT_ARM)
        return AdaptiveLearner(settings.reweighting, self.columns, self.meanings, arm_name)

    def _earnings(self) -> SourceEarnings | None:
        """What the sources earn, where any arm has quotas that follow it."""
        if not earns(self.settings):
            return None
        return SourceEarnings(source_names(), self.columns, self.meanings)

    def meet(self, item_ids: Sequence[str], now_ms: int) -> None:
        """Take item ids under the next row numbers."""
        if item_ids:
            self.catalog.extend(item_ids, now_ms)
            self.pipeline.grow()

    def index_beside(self, beside: bool) -> None:
        """Whether indexes are made in a thread of their own while slates are made, or at once: then the same
        calls make the same slates.
        """
        self._index_beside = beside
        for index in self.pipeline.indexes:
            index.configure(self.settings.index, beside)

    def prepare(self) -> None:
        """Make what the first slate would wait for: the models' vectors of all items, and the indexes. It may
        run in a thread, while nothing else is asked of this object.
        """
        beside = self._index_beside
        self.index_beside(False)
        self.pipeline.refresh()
        self.index_beside(beside)

    def knows(self, row: int) -> bool:
        """Whether the item was announced, or any event of it learned; else it was met just now."""
        return bool(self.catalog.announced_ms[row] >= 0 or self.counters.popularity.events[row] > 0)

    def announce(self, row: int, record: ItemRecord, arrived_ms: int) -> ItemRecord | None:
        """Take an update as it arrives: the record as it is kept, or None where a newer one is known."""
        return self.catalog.announce(row, record, arrived_ms, self.settings.events.max_early_ms)

    def met_for_good(self, state: UserState, row: int) -> bool:
        """Whether the user has met the item in a way that keeps it from coming back (`feed.repeat`)."""
        return state.has_consumed(row, self.blocking)

    def put_item(self, row: int, record: ItemRecord) -> bool:
        """Take an item as it now is; False where a newer one is known."""
        put = self.catalog.put(row, record)
        if put and self.on_item is not None:
            self.on_item(row, record)
        return put

    def apply(
        self,
        state: UserState,
        event: UserEvent,
        delivery: Delivery,
        words: F32 | None,
        kept: UserSlates = NOTHING_KEPT,
        opinion: Opinion | None = None,
        searched: F32 | None = None,
    ) -> Folded:
        """Fold one event into its user's state and, where it counted, into the counters.

        Every item that the event names must have been met (`meet`); `words` is a review's vector or None,
        `opinion` what it says. `kept`: the user's slates, which may say what part of it counts. `searched`:
        the vector of what a click's user had searched for, or None.
        """
        self.learn_closed()
        rows = tuple([self.catalog.rows[item_id] for item_id in items_named(event)])
        applied = apply(state, event, delivery, rows, words, self.settings.state, self.meanings, searched)
        after, done, skipped = applied
        if done is None or not isinstance(event, Click | Review):
            return Folded(after, done, skipped)
        settings, joined = self.settings.counters, None
        share = own_share(state, after, done, settings)
        if settings.choosy and kept.slates:
            joined = joined_with(kept.slates, event, done.row, done.action, self.bounds)
            share *= choosing(kept, joined, done, self.bounds.good)
        if share != 1.0:
            done = done._replace(share=share)
        self._count(done)
        if words is not None and share > 0.0:
            self.catalog.hear(done.row, words)
        if opinion is not None and share > 0.0:
            self.counters.aspects.observe(done.row, opinion)
        return Folded(after, done, None, joined)

    def show(self, kept: UserSlates, event: Impression, counts: bool = True) -> ShowingStep:
        """Mark a slate of the user's as shown, and count what it is the first to show, unless `counts` is
        False: nobody was shown it in truth.

        Every item that it names must have been met.
        """
        self.learn_closed()
        rows = list(map(self.catalog.rows.__getitem__, event.items))
        step = on_impression(kept, event, rows, self.bounds)
        if step.showing is not None and counts:
            self.counters.show(step.showing.rows)
        self._taught(step.lessons)
        return step

    def join(
        self,
        kept: UserSlates,
        event: Click | Review,
        interaction: Interaction,
        joined: JoinedAnswer | None = None,
    ) -> AnswerStep:
        """Join what was applied with the slate that it came from. joined: as `apply` gave it for `kept`."""
        step = on_answer(kept, event, interaction, self.bounds, joined)
        self._taught(step.lessons)
        return step

    def keep(self, user: str, kept: UserSlates, slate: KeptSlate) -> Step:
        """Keep what a slate that was made just now looks like."""
        step = on_made(user, kept, slate, self.bounds)
        self._taught(step.lessons)
        return step

    def _taught(self, lessons: Sequence[Lesson]) -> None:
        """Slates were closed. Where a ledger brings what they teach, they are learned then; else when the
        next event is folded: what an event closes is not yet known to the slate that it causes.
        """
        if not self.learned_to:
            self._closed += lessons

    def learn_closed(self) -> None:
        """Learn from the slates that were closed, where no ledger brings their lessons."""
        if self._closed:
            self.learn(self._closed)
            self._closed = []

    def learn(self, lessons: Sequence[Lesson]) -> None:
        """Take lessons. What is learned depends on their order."""
        for lesson in lessons:
            self.learner.learn(lesson)
            if self.earnings is not None:
                self.earnings.learn(lesson)

    def look_back(self) -> None:
        """Bring `report` and `earned` up to date; it takes long compared with a lesson."""
        if isinstance(self.learner, AdaptiveLearner):
            self.report = self.learner.report()
        if self.earnings is not None:
            self.earned = self.earnings.report()

    def quotas(self) -> dict[str, dict[str, float]]:
        """Of each arm whose quotas follow what sources earned: which part of the pool each source had when
        `look_back` was called last, by the mean of what it may have earned.
        """
        rates = np.array([each.rate for each in self.earned.values()])
        plans = [(arm, plan) for (arm, rung), plan in self.arms.declared.items() if rung == RUNGS[0]]
        return {
            arm: dict(zip(self.earned, shares_of(plan, rates).tolist(), strict=True))
            for arm, plan in plans
            if self.earned and plan.settings.candidates.quotas != "fixed"
        }

    def follow(self, record: Record) -> None:
        """Count what another process has applied. Its items must have been met."""
        if record.forgotten:
            self.forget_users(record.forgotten)
        for interaction in record.interactions:
            self._count(interaction)
            if self.recent_users is not None:
                self.recent_users.note(interaction, self.meanings)
        for showing in record.impressions:
            self.counters.show(showing.rows)
        if not self.learned_to:
            self._taught([decode_lesson(raw) for raw in record.lessons])
        for row, raw in record.items:
            self.put_item(row, decode_item(raw))
        for row, words in record.heard:
            self.catalog.hear(row, words)
        for row, opinion in record.opinions:
            self.counters.aspects.observe(row, opinion)

    def forget_users(self, digests: Sequence[bytes]) -> None:
        """What is at hand of users who were deleted goes; the counters know nobody by name."""
        if self.recent_users is not None:
            self.recent_users.forget(digests)
        if self.on_forgotten is not None:
            self.on_forgotten(digests)

    def _count(self, interaction: Interaction) -> None:
        """An item that nobody announced is as old as its first event: the same in every process."""
        self.counters.observe(interaction)
        self.catalog.date(interaction.row, int(self.counters.popularity.first_ms[interaction.row]))

    def looks(self, slates: Sequence[Slate], batch: RankBatch) -> list[KeptSlate]:
        """What the slates of a batch look like, as they are kept; gathered for all of them in one go."""
        return self._looks.of(slates, batch)

    def request(
        self,
        state: UserState,
        now_ms: int,
        *,
        rung: Rung = "full",
        stages_of: Rung | None = None,
        arm: str = DEFAULT_ARM,
        searched: F32 | None = None,
        **asked: Any,
    ) -> RankRequest:
        """A request with the stages of an arm on a rung: of the settings, or the arms of experiments that
        `arms_of` says. stages_of: the rung whose stages are taken, where that is another one (`worthwhile`).
        asked: further fields of `RankRequest`. Where no `search` is among them, it is what was `searched` for
        (a vector [text_dim]), else the user's latest one, for as long as `state.search_follows_s` says.

        This is the edge of the core: what comes from a caller is checked here. Raises `SettingsError` for an
        arm that is not declared, `RequestError` for a value that can't be.
        """
        if rung not in RUNGS:
            raise RequestError(f"rung is {rung!r}; expected one of {', '.join(RUNGS)}")
        if asked:
            check(asked, len(self.catalog), self.catalog.text.shape[1])
        if "search" not in asked and (searched is not None or len(state.searched)):
            if searched is None:
                searched = state.search_at(now_ms, self.settings.state.search_follows_s)
            asked["search"] = search_by(searched)
        made = self.arms.of(arm, stages_of or rung)
        asked = {"plan": made.plan, "model": made.model, "against": made.against, **asked}
        return RankRequest(state, now_ms, rung=rung, arm=arm, **asked)

    def worthwhile(self, rung: Rung) -> Rung:
        """The rung whose stages a slate gets: without a model its features are not worth their price."""
        return rung if rung == "popular" or self.pipeline.models.active is not None else "counters"

    def arms_of(self, user: str, state: UserState, now_ms: int, surface: str = "feed") -> str:
        """The arms of the experiments that a user's slate is of, as its text; the default arm for none."""
        return self.arms.assignment.arms(user, state, now_ms, surface)

    def plan(self, tree: Mapping[str, Any]) -> StagePlan:
        """The stages of the settings with the values of `tree`; `SettingsError` where that can't be."""
        stages = overridden(self.settings.stages, tree, "stages of a request")
        return stage_plan(stages, self.meanings, self.pipeline.names, where="stages of a request")

    def recommend(self, requests: Sequence[RankRequest], kept: list[KeptSlate] | None = None) -> list[Slate]:
        """A slate for each request, all of them made in one go; into `kept`, what each of them looks like."""
        if any(request.against is not None for request in requests):
            return self._interleaved(requests, kept)
        batch = self.pipeline.execute(requests)
        slates = slates_of(batch, range(len(batch)), self.catalog.ids, self.pipeline.names)
        if kept is not None and slates:
            kept += self.looks(slates, batch)
        return slates

    def _interleaved(self, requests: Sequence[RankRequest], kept: list[KeptSlate] | None) -> list[Slate]:
        """The same where some slates are drafted of two orders."""
        sides = sides_of(requests)
        looks: list[KeptSlate] | None = None if kept is None else []
        made, base = self.recommend(sides.requests, looks), self.columns.index(BASE)
        slates, drafted = interleaved(sides, made, looks or (), base)
        if kept is not None:
            kept += drafted
        return slates

    def shown(self, requests: Sequence[RankRequest]) -> list[tuple[int, ...]]:
        """The rows of the places of a slate for each request, and nothing else of it."""
        batch = self.pipeline.execute(requests)
        at, first = batch.placed(range(len(batch)))
        rows = batch.rows[at].tolist()
        return [tuple(rows[begin:end]) for begin, end in pairwise(first)]

    def draft(self, request: RankRequest) -> Draft:
        """One request through all stages."""
        return self.pipeline.execute([request]).draft(0)

    def slate(self, draft: Draft) -> Slate:
        """The slate of a draft that went through all stages."""
        return slate_of(draft, self.catalog.ids, self.pipeline.names)

    def serve(self, model: ModelInService | None) -> None:
        """Swap the active model; call it between two batches."""
        if model is not None:
            self._fit(model)
        self.pipeline.models.active = model

    def load(self, model: ModelInService) -> None:
        """Have a model beside the active one, for arms that name it; call it between two batches."""
        self._fit(model)
        self.pipeline.models.add(model)

    def unload(self, name: str) -> None:
        """Forget a model beside the active one; call it between two batches."""
        self.pipeline.models.remove(name)

    def _fit(self, model: ModelInService) -> None:
        model.read_actions(self.meanings.says)
        model.index.configure(self.settings.index, self._index_beside)

    def expected_ratings(self, draft: Draft) -> NDArray[np.float32]:
        """The ratings expected of a scored draft's rows, cut to the scale."""
        return np.clip(draft.rating, LOWEST_RATING, HIGHEST_RATING)


def further_tasks(settings: Settings, plans: Iterable[StagePlan]) -> list[str]:
    """The tasks besides click and rating that the settings name, in their order."""
    named = [*settings.tasks, *(name for plan in plans for name in plan.settings.feed.task_weights)]
    return [name for name in dict.fromkeys(named) if name not in ALWAYS]


def check_plans(settings: Settings) -> None:
    """Raises `SettingsError` where an arm or an experiment of the settings asks for what this build does not
    have.
    """
    arms = ArmPlans(settings, source_names())
    for name, each in settings.experiments.items():
        arms.check(name, each)
