"""The first page: for the public what is on, for staff the way to their own start; the calendar; the workbench."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _

from app.activities.models import Activity, ActivitySession
from app.activities.queries import ActivityRow, find_running, list_public, load_many
from app.checkin.codes import live_key, step_of
from app.checkin.queries import session_totals
from app.exports.qr import matrix as qr_matrix
from app.extensions import db
from app.kernel.actor import Role
from app.kernel.clock import business_day, day_bounds, now
from app.kernel.errors import NotFound
from app.metrics.strip import load_strip
from app.organisation.permissions import Action
from app.registration.places import Places, places_of_many
from app.web.access import current_actor, keys, public, requires, settings
from app.web.activities.blueprint import link
from app.web.public import cached, calendar_response, event_of
from app.web.rendering import WEEKDAYS, local, render, staff_page
from app.web.workbench import load_workbench

bp = Blueprint("home", __name__)

SHOWN = 8
AHEAD = timedelta(days=60)
# the first of these that a role holds is where its day starts
_STARTS: tuple[tuple[tuple[Role, ...], str], ...] = (
    ((Role.ORGANIZER, Role.UNIT_MANAGER), "home.workbench"),
    ((Role.REVIEWER, Role.SECOND_READER), "review.queue"),
    ((Role.LEADER, Role.ADMINISTRATOR), "metrics.dashboard"),
    ((Role.AUDITOR,), "audit.index"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the public agenda; `left` in words."""

    row: ActivityRow
    words: str
    is_open: bool

    @property
    def day(self) -> int:
        """The day of the month on which it begins."""
        assert self.row.starts_at is not None
        return business_day(self.row.starts_at).day


@dataclass(frozen=True, slots=True)
class Running:
    """The session that people sign in to at this moment."""

    activity: Activity
    session: ActivitySession
    count: int
    qr: list[list[bool]]
    url: str


@dataclass(frozen=True, slots=True)
class Day:
    """A field of the month; `count` activities begin on it."""

    date: date
    in_month: bool
    is_today: bool
    count: int


@bp.app_template_filter("iso_day")
def iso_day(moment: datetime) -> str:
    """`2026-11-24` in Shanghai, for `datetime` attributes."""
    return business_day(moment).isoformat()


@bp.app_template_filter("day_number")
def day_number(moment: datetime) -> int:
    """The day of the month in Shanghai."""
    return business_day(moment).day


@bp.app_template_filter("month_weekday")
def month_weekday(moment: datetime) -> str:
    """`11月 周二`."""
    day = business_day(moment)
    return f"{day.month}月 周{WEEKDAYS[day.weekday()]}"


def start_page() -> str:
    """Where this person's day starts; nothing for a role without a screen of its own."""
    actor = current_actor()
    for roles, endpoint in _STARTS:
        if actor.has_role(*roles) and link(endpoint):
            return link(endpoint)
    return ""


@bp.get("/")
@public
def index() -> Response:
    """Signed out: the promise, what runs now, what is open, the month. Signed in: one's own start."""
    if current_actor().is_user and request.args.get("public") != "1":
        start = start_page()
        if start:
            return redirect(start)  # type: ignore[return-value]
    moment = now()
    today = business_day(moment)
    rows = list_public(db.session(), since=day_bounds(today.replace(day=1))[0], until=moment + AHEAD, limit=120)
    coming = [row for row in rows if row.ends_at is not None and row.ends_at > moment]
    response = render(
        "home/index.html",
        entries=agenda(coming[:SHOWN]),
        more=len(coming) - SHOWN,
        month=month_of(today, rows, today=today),
        first=today.replace(day=1),
        running=_running(moment),
        strip=load_strip(db.session(), year=today.year, today=today),
        as_of=moment.replace(second=0, microsecond=0),
    )
    return cached(response)


def agenda(rows: list[ActivityRow]) -> list[Entry]:
    """Rows with what is left of their places; three statements for all."""
    session = db.session()
    activities = load_many(session, [row.id for row in rows])
    held = places_of_many(session, list(activities.values()))
    moment = now()
    return [_entry(row, activities[row.id], held[row.id], moment) for row in rows]


def _entry(row: ActivityRow, activity: Activity, pools: dict[int | None, Places], moment: datetime) -> Entry:
    if row.ends_at is not None and row.ends_at <= moment:
        return Entry(row, _("已结束"), False)
    if not activity.takes_registration:
        return Entry(row, _("不用报名，到场扫码") if activity.takes_walk_in else _("由单位组织参加"), False)
    left = [pool.left for pool in pools.values()]
    if any(n is None for n in left):
        return Entry(row, _("不限名额"), True)
    places = sum(n or 0 for n in left)
    return Entry(row, _("剩%(n)s个名额", n=places) if places else _("已满，可候补"), bool(places))


def month_of(first: date, rows: list[ActivityRow], *, today: date) -> list[list[Day]]:
    """The weeks of a month from Monday, each day with how many activities begin on it."""
    counts: dict[date, int] = {}
    for row in rows:
        if row.starts_at is not None:
            begins = business_day(row.starts_at)
            counts[begins] = counts.get(begins, 0) + 1
    weeks = calendar.Calendar(firstweekday=0).monthdatescalendar(first.year, first.month)
    return [[Day(day, day.month == first.month, day == today, counts.get(day, 0)) for day in week] for week in weeks]


def _running(moment: datetime) -> Running | None:
    session = find_running(db.session(), now=moment)
    if session is None:
        return None
    totals = session_totals(db.session(), [session.id]).get(session.id)
    return Running(
        session.activity, session, totals.total if totals else 0, qr_matrix(settings().base_url + url_for("home.enter")),
        url_for("home.enter"),
    )  # fmt: skip


@bp.get("/now")
@public
def enter() -> Response:
    """To the sign-in of what runs now. Only a demo hands out the live key: elsewhere it stands on the screen alone."""
    moment = now()
    session = find_running(db.session(), now=moment)
    if session is None:
        raise NotFound(_("现在没有正在签到的公开活动。"))
    target = f"/s/{session.code}"
    if settings().demo:
        target += f"?k={live_key(keys(), session.code, step_of(moment))}"
    return redirect(target)  # type: ignore[return-value]


@bp.get("/calendar")
@public
def month() -> Response:
    """One month of listed activities, as a grid and as a list."""
    today = business_day(now())
    first = _asked_month() or today.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    rows = list_public(db.session(), since=day_bounds(first)[0], until=day_bounds(after)[0], limit=200)
    rows = [row for row in rows if row.starts_at is not None and local(row.starts_at).date() >= first]
    return cached(
        render(
            "home/calendar.html", entries=agenda(rows), month=month_of(first, rows, today=today), first=first,
            before=(first - timedelta(days=1)).replace(day=1), after=after,
        )
    )  # fmt: skip


def _asked_month() -> date | None:
    text = request.args.get("month", "")
    try:
        asked = date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None
    return asked if asked is not None and 2000 <= asked.year <= 2100 else None


@bp.get("/calendar.ics")
@public
def subscribe() -> Response:
    """Listed activities of the next two months, for a phone's calendar to subscribe to."""
    moment = now()
    rows = list_public(db.session(), since=moment - timedelta(days=31), until=moment + AHEAD, limit=200)
    activities = load_many(db.session(), [row.id for row in rows])
    events = [event for row in rows for event in event_of(activities[row.id])]
    made_at = max((a.published_at or a.created_at for a in activities.values()), default=moment)
    return calendar_response(
        events, name=_("%(name)s活动日历", name=settings().district), made_at=made_at, file_name="calendar.ics"
    )


@bp.get("/workbench")
@requires(Action.ACTIVITY_EDIT)
def workbench() -> Response:
    """Returned first, then due, then by state."""
    staff_page()
    moment = now()
    return render(
        "home/workbench.html",
        bench=load_workbench(db.session(), current_actor(), now=moment),
        now=moment,
        year=business_day(moment).year,
        facts_url=link("metrics.facts"),
        ledger_url=link("metrics.ledger"),
        console=_linker("console.show"),
        evidence=_linker("evidence.index"),
        submission=_linker("review.submit"),
        roster=_linker("registration.roster"),
        fact=_linker("metrics.fact"),
        notes_url=link("progress.own"),
    )


def _linker(endpoint: str) -> Callable[[str], str]:
    return lambda code: link(endpoint, code=code)
