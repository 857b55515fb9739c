"""The list of activities, and one of them: state, facts, sessions, and the one next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import TextAreaField

from app.activities import service
from app.activities.kinds import KINDS
from app.activities.models import Activity, ActivityState, ReviewState
from app.activities.queries import (
    ListFilter,
    list_activities,
    list_changes,
    names_of,
    tasks_of,
    units_of,
)
from app.activities.rules import ATTENDANCE_LABELS, AUDIENCE_LABELS, LISTING_LABELS, STATE_LABELS, shown_state
from app.activities.twins import find_twins
from app.checkin.queries import Totals, session_totals
from app.extensions import db
from app.kernel.clock import day_bounds, now
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.organisation.permissions import Action, may, may_at, reach
from app.organisation.queries import UnitChoice, unit_choices
from app.registration.models import MailKind
from app.registration.outbox import put_to_all
from app.registration.places import places
from app.registration.service import cancel_activity, withdraw_activity
from app.review.models import ReviewCase
from app.review.queries import current_cases
from app.web.access import current_actor, load_activity, requires
from app.web.activities.blueprint import SOON, bp, link, load_readable, sign_in_window
from app.web.kept import kept_page
from app.web.paging import Page, asked_page
from app.web.rendering import local, render

PAGE_SIZE = 20
REVIEW_FILTERS = {"returned": "已退回", "under_review": "审核中", "approved": "已通过", "rejected": "不予计入"}


@dataclass(frozen=True, slots=True)
class Step:
    """The one main action of an activity now; `post` where it writes."""

    label: str
    href: str
    words: str = ""
    post: bool = False


def _month(text: str) -> tuple[datetime, datetime] | None:
    """First moment of the Shanghai month `2026-11`, and of the next."""
    try:
        first = date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None
    if first is None or not 2000 <= first.year <= 2100:
        return None
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return day_bounds(first)[0], day_bounds(after)[0]


def _asked(units: Sequence[UnitChoice], paths: tuple[str, ...] | None) -> ListFilter:
    args = request.args
    month = _month(args.get("month", ""))
    state = args.get("state", "")
    return ListFilter(
        paths=paths,
        kind=args.get("kind", "") if args.get("kind") in KINDS else "",
        state=state if state in STATE_LABELS else "",
        review_state=state if state in REVIEW_FILTERS else "",
        unit_id=next((unit.id for unit in units if unit.code == args.get("unit")), None),
        since=month[0] if month else None,
        until=month[1] if month else None,
        with_discarded=state == ActivityState.WITHDRAWN.value,
    )


@bp.get("/activities")
@requires(Action.ACTIVITY_READ)
def index() -> Response:
    """Newest start first, 20 a page; state, kind, unit and month narrow."""
    return kept_page("activities/index.html", _index)


def _index() -> dict[str, Any]:
    actor = current_actor()
    within = reach(actor, Action.ACTIVITY_READ)
    paths = None if within is None else tuple(within)
    units = unit_choices(db.session(), paths)
    number = asked_page()
    moment = now()
    rows, total = list_activities(db.session(), _asked(units, paths), now=moment, page=number, size=PAGE_SIZE)
    return {
        "rows": [(row, shown_state(row.state, row.ends_at, moment)) for row in rows],
        "paging": Page(number, PAGE_SIZE, total),
        "kinds": KINDS,
        "units": units,
        "months": [_months_back(moment, back) for back in range(-1, 12)],
        "states": {**STATE_LABELS, **REVIEW_FILTERS},
        "may_edit": may(actor, Action.ACTIVITY_EDIT),
        "waiting_url": link("activities.listing_queue") if may(actor, Action.ACTIVITY_LIST_PUBLICLY) else "",
    }


def _months_back(moment: datetime, back: int) -> str:
    today = local(moment)
    months = today.year * 12 + today.month - 1 - back
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


@bp.get("/activities/<code>")
@requires(Action.ACTIVITY_READ)
def detail(code: str) -> Response:
    """One activity for its staff."""
    session, actor, moment = db.session(), current_actor(), now()
    activity, host_path = load_readable(code)
    totals = session_totals(session, [s.id for s in activity.sessions]) if activity.sessions else {}
    is_draft = activity.state == ActivityState.DRAFT.value
    may_edit = may_at(actor, Action.ACTIVITY_EDIT, host_path)
    heritage, programme, programme_code = names_of(session, activity)
    shown = shown_state(activity.state, activity.ends_at, moment)
    return render(
        "activities/detail.html",
        activity=activity,
        kind=KINDS[activity.kind],
        shown=shown,
        units=units_of(session, activity),
        tasks=tasks_of(session, activity),
        heritage=heritage,
        programme=programme,
        programme_code=programme_code,
        changes=[] if is_draft else list_changes(session, activity.id),
        places={} if is_draft or not activity.takes_registration else places(session, activity),
        totals=totals,
        twins=find_twins(session, activity) if may_edit and shown in ("draft", "published", "ended") else [],
        window=sign_in_window(activity),
        may_edit=may_edit,
        may_list=may_at(actor, Action.ACTIVITY_LIST_PUBLICLY, host_path),
        may_roster=may_at(actor, Action.ROSTER_READ, host_path),
        verdict=_verdict(activity),
        step=_next_step(activity, shown, totals, moment) if may_edit else None,
        links=_links(activity),
        audience_label=AUDIENCE_LABELS[activity.audience],
        listing_label=LISTING_LABELS[activity.listing],
        attendance_label=ATTENDANCE_LABELS[activity.attendance],
        now=moment,
    )


def _verdict(activity: Activity) -> tuple[ReviewCase, str] | None:
    """The case that came back or was not counted, with the reading office's name."""
    if activity.review_state not in (ReviewState.RETURNED.value, ReviewState.REJECTED.value):
        return None
    return current_cases(db.session(), [activity.id]).get(activity.id)


def _links(activity: Activity) -> dict[str, str]:
    names = {
        "console": "console.show", "evidence": "evidence.index", "roster": "registration.roster",
        "share": "activities.share", "submit": "review.submit",
    }  # fmt: skip
    return {name: link(endpoint, code=activity.code) for name, endpoint in names.items()}


def _next_step(activity: Activity, shown: str, totals: dict[int, Totals], moment: datetime) -> Step | None:
    code = activity.code
    evidence = link("evidence.index", code=code)
    if activity.review_state == "returned":
        return Step(_("去修改"), evidence, _("审核单位退回了，改好再提交。"))
    if shown == "draft":
        return Step(_("发布"), url_for("activities.publish", code=code), _("发布以后才有链接和海报。"), post=True)
    if shown in ("cancelled", "closed", "withdrawn") or activity.review_state != "not_submitted":
        return None
    if activity.is_practice:
        return Step(_("打开现场控制台"), link("console.show", code=code), _("演练不计入任何数字。"))
    opens = sign_in_window(activity)
    if shown == "ended" and opens is not None and moment >= opens[1]:
        if totals or activity.origin == "paper":
            return Step(_("上传照片，准备提交"), evidence, _("签到已经结束，就差照片和提交。"))
        return Step(
            _("补录人数"), link("console.show", code=code), _("还没有签到记录。照纸质签到表补上人数，再传照片。")
        )
    if opens is not None and moment >= opens[0] - SOON:
        return Step(_("打开现场控制台"), link("console.show", code=code), _("大屏、签到台、现场登记都在里面。"))
    return Step(_("去分享"), url_for("activities.share", code=code), _("链接、二维码、海报和一段可粘贴的文字。"))


class CancelForm(FlaskForm):  # type: ignore[misc]
    reason = TextAreaField("原因")


@bp.route("/activities/<code>/cancel", methods=["GET", "POST"])
@requires(Action.ACTIVITY_EDIT)
def cancel(code: str) -> Response:
    """Cancel with a reason that every participant's page shows."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    form = CancelForm()
    if request.method == "POST" and form.validate():
        try:
            with transaction(db.session) as tx:
                moment, cancelled = now(), load_activity(code, Action.ACTIVITY_EDIT)
                cancel_activity(tx, cancelled, reason=form.reason.data or "", actor=current_actor(), now=moment)
                put_to_all(tx, cancelled, MailKind.CANCELLED, now=moment)
        except RuleBroken as broken:
            form.reason.errors = [_(problem.message) for problem in broken.problems]
            activity = load_activity(code, Action.ACTIVITY_EDIT)
        else:
            flash(_("已取消。每位报名的人打开自己的报名码都会看到原因；有手机号的，请再打个电话。"), "warn")
            return redirect(url_for("activities.detail", code=code), 303)
    status = 422 if request.method == "POST" else 200
    held = places(db.session(), activity)
    return render(
        "activities/cancel.html", status=status, activity=activity, form=form,
        people=sum(place.taken for place in held.values()), waiting=sum(place.waiting for place in held.values()),
    )  # fmt: skip


@bp.route("/activities/<code>/withdraw", methods=["GET", "POST"])
@requires(Action.ACTIVITY_EDIT)
def withdraw(code: str) -> Response:
    """Back to draft while nobody has registered."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    if request.method == "GET":
        return render("activities/withdraw.html", activity=activity)
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        service.hold_before_review(tx, activity)
        withdraw_activity(tx, activity, actor=current_actor(), now=now())
    flash(_("已撤回成草稿，链接暂时打不开了。"), "good")
    return redirect(url_for("activities.detail", code=code), 303)


@bp.route("/activities/<code>/discard", methods=["GET", "POST"])
@requires(Action.ACTIVITY_EDIT)
def discard(code: str) -> Response:
    """A draft that nobody needs leaves the lists."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    if request.method == "GET":
        return render("activities/discard.html", activity=activity)
    with transaction(db.session) as tx:
        service.discard_draft(tx, load_activity(code, Action.ACTIVITY_EDIT), actor=current_actor(), now=now())
    flash(_("草稿已放弃。"), "good")
    return redirect(url_for("activities.index"), 303)
