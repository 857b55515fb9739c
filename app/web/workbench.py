"""What the workbench shows: returned first, then due, then drafts; today, open registrations, what is handed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS, Slot
from app.activities.models import Activity, ActivitySession, ActivityState, ReviewState
from app.activities.queries import list_for_workbench, waiting_listing_count
from app.activities.rules import SUBMIT_WITHIN, window
from app.evidence.queries import filled_of_many, takedowns_of_many
from app.kernel.actor import Actor
from app.kernel.clock import business_day
from app.metrics.queries import FactFilter, FactRow, list_facts, sum_facts
from app.metrics.rollup import Grades
from app.organisation.permissions import Action, may, reach
from app.progress.queries import returned_count
from app.registration.places import Places, places_of_many
from app.review.models import ReviewCase
from app.review.queries import current_cases

APPROVED_SHOWN = 3
REJECTED_SHOWN = timedelta(days=90)  # after the activity's end


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do first. `sort`: returned, due, draft."""

    sort: str
    activity: Activity
    reason: str = ""
    reader: str = ""
    at: datetime | None = None
    due: datetime | None = None
    filled: int = 0
    total: int = 0
    required: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Today:
    """The session that matters today, with when its sign-in opens and closes by itself."""

    activity: Activity
    session: ActivitySession
    opens: datetime
    closes: datetime
    place: Places | None


@dataclass
class Workbench:
    todo: list[Todo] = field(default_factory=list)
    today: list[Today] = field(default_factory=list)
    open: list[tuple[Activity, Places | None]] = field(default_factory=list)
    submitted: list[tuple[Activity, ReviewCase, str]] = field(default_factory=list)
    rejected: list[tuple[Activity, ReviewCase, str]] = field(default_factory=list)  # newest decision first
    approved: list[FactRow] = field(default_factory=list)
    facts: int = 0
    grades: Grades = field(default_factory=lambda: Grades(0, 0, 0, 0))
    waiting_listing: int = 0
    takedowns: list[tuple[str, str, int]] = field(default_factory=list)  # activity code, title, photos
    returned_notes: int = 0


def load_workbench(session: Session, actor: Actor, *, now: datetime) -> Workbench:
    """Ten statements, however many activities a unit holds."""
    paths = reach(actor, Action.ACTIVITY_EDIT)
    bench = Workbench()
    activities = list_for_workbench(session, paths, rejected_since=now - REJECTED_SHOWN)
    cases = current_cases(session, [a.id for a in activities if a.review_state != ReviewState.NOT_SUBMITTED.value])
    ended = [a for a in activities if _is_due(a, now)]
    slots = filled_of_many(session, [a.id for a in ended])
    live = [a for a in activities if a.state == ActivityState.PUBLISHED.value and a not in ended]
    held = places_of_many(session, live)
    for activity in live:
        if activity.review_state == ReviewState.NOT_SUBMITTED.value:
            _place(bench, activity, held[activity.id], now)
    bench.todo = [*_returned(activities, cases), *(_due(a, slots[a.id]) for a in ended), *_drafts(activities)]
    bench.submitted = _handed_in(activities, cases, ReviewState.UNDER_REVIEW)
    bench.rejected = _handed_in(activities, cases, ReviewState.REJECTED)
    bench.rejected.sort(key=lambda row: row[1].decided_at or now, reverse=True)
    wanted = FactFilter(year=business_day(now).year, hosts=(actor.unit_path,))
    bench.facts, bench.grades, _photos = sum_facts(session, wanted)
    bench.approved = list_facts(session, wanted, size=APPROVED_SHOWN) if bench.facts else []
    bench.takedowns = takedowns_of_many(session, paths)
    listing, notes = Action.ACTIVITY_LIST_PUBLICLY, Action.NOTE_WRITE
    bench.waiting_listing, bench.returned_notes = session.execute(
        select(
            waiting_listing_count(reach(actor, listing)) if may(actor, listing) else literal(0),
            returned_count(reach(actor, notes)) if may(actor, notes) else literal(0),
        )
    ).one()
    return bench


def _handed_in(
    activities: list[Activity], cases: dict[int, tuple[ReviewCase, str]], state: ReviewState
) -> list[tuple[Activity, ReviewCase, str]]:
    return [(a, *cases[a.id]) for a in activities if a.review_state == state.value and a.id in cases]


def _windows(activity: Activity) -> list[tuple[ActivitySession, datetime, datetime]]:
    return [
        (
            s,
            *window(
                starts_at=s.starts_at, ends_at=s.ends_at, opens_before_min=activity.opens_before_min,
                closes_after_min=activity.closes_after_min, opened_at=s.opened_at, closes_at=s.closes_at,
            ),
        )
        for s in activity.sessions
    ]  # fmt: skip


def _is_due(activity: Activity, now: datetime) -> bool:
    return (
        activity.state == ActivityState.PUBLISHED.value
        and activity.review_state == ReviewState.NOT_SUBMITTED.value
        and all(closes <= now for _s, _opens, closes in _windows(activity))
    )


def _place(bench: Workbench, activity: Activity, pools: dict[int | None, Places], now: datetime) -> None:
    for session, opens, closes in _windows(activity):
        if closes > now and (business_day(session.starts_at) == business_day(now) or opens <= now):
            place = pools.get(session.id, pools.get(None)) if activity.takes_registration else None
            bench.today.append(Today(activity, session, opens, closes, place))
            return
    bench.open.append((activity, _sum(list(pools.values())) if activity.takes_registration else None))


def _sum(pools: list[Places]) -> Places:
    capacities = [pool.capacity for pool in pools if pool.capacity is not None]
    return Places(
        capacity=sum(capacities) if len(capacities) == len(pools) else None,
        taken=sum(pool.taken for pool in pools),
        waiting=sum(pool.waiting for pool in pools),
    )


def _returned(activities: list[Activity], cases: dict[int, tuple[ReviewCase, str]]) -> list[Todo]:
    found = []
    for activity in activities:
        if activity.review_state == ReviewState.RETURNED.value:
            case, reader = cases.get(activity.id, (None, ""))
            found.append(
                Todo("returned", activity, case.reason if case else "", reader, case.decided_at if case else None)
            )
    return found


def _due(activity: Activity, filled: dict[str, int]) -> Todo:
    slots: tuple[Slot, ...] = KINDS[activity.kind].slots
    required = [slot for slot in slots if slot.required]
    return Todo(
        "due", activity, due=activity.ends_at + SUBMIT_WITHIN if activity.ends_at else None,
        filled=sum(1 for slot in slots if filled.get(slot.key)), total=len(slots), required=len(required),
        missing=tuple(slot.label for slot in required if filled.get(slot.key, 0) < slot.at_least),
    )  # fmt: skip


def _drafts(activities: list[Activity]) -> list[Todo]:
    return [
        Todo(
            "draft", activity,
            missing=tuple(
                word for word, there in (("日期", activity.starts_at), ("地点", activity.venue)) if not there
            ),
        )
        for activity in activities
        if activity.state == ActivityState.DRAFT.value
    ]  # fmt: skip
