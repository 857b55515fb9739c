"""New, edit, publish, copy, practise, enter after paper: the forms that write an activity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import StringField

from app.activities import service
from app.activities.kinds import KINDS
from app.activities.models import Activity, ActivityState, Attendance, Audience
from app.activities.programmes import find_or_add_heritage_item
from app.activities.twins import Twin, find_twins
from app.checkin.models import Method
from app.checkin.service import enter_count
from app.extensions import db
from app.kernel.clock import now, shanghai
from app.kernel.database import transaction
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.organisation.permissions import Action
from app.registration.outbox import put_change
from app.registration.places import promote_waiting, wait_for_places
from app.registration.practice import seed_practice
from app.registration.service import count_registrations
from app.registration.settings import list_holds
from app.web.access import current_actor, keys, load_activity, requires, settings
from app.web.activities.blueprint import bp, link
from app.web.activities.forms import ActivityForm, form_for
from app.web.activities.intake import (
    Choices,
    Intake,
    filled,
    load_choices,
    offer,
    preset,
    read_clock,
    read_day,
    read_number,
)
from app.web.rendering import local, render

FIRST_START, FIRST_END = "09:00", "10:00"


def needs_nod() -> bool:
    return settings().require_listing_consent


def attach(form: ActivityForm, problems: list[Problem]) -> list[str]:
    """Put each problem beside its field; returns those that belong to none."""
    loose = []
    for problem in problems:
        target = form._fields.get(problem.field)
        if target is None or problem.field == "more":
            loose.append(_(problem.message))
        else:
            target.errors = [*target.errors, _(problem.message)]
    return loose


def _page(
    form: ActivityForm,
    choices: Choices,
    *,
    activity: Activity | None = None,
    is_paper: bool = False,
    problems: list[str] | None = None,
    twins: list[Twin] | None = None,
    status: int = 200,
    part: bool = False,
) -> Response:
    offer(form, choices)
    key = form.kind.data if form.kind.data in KINDS else ""
    return render(
        "activities/form.html", "activities/_form.html" if part else None, status=status, form=form,
        kind=KINDS.get(key or ""), kinds=KINDS, tasks=choices.tasks, items=choices.items, activity=activity,
        is_paper=is_paper, problems=problems or [], twins=twins or [],
        more_open=_is_more_open(form),
        has_registered=activity is not None and count_registrations(db.session(), activity.id) > 0,
        begun=activity is not None and activity.starts_at is not None and activity.starts_at <= now(),
    )  # fmt: skip


FOLDED = (
    "until", "label", "summary", "capacity", "bring", "classes", "pairs", "reach", "host", "co_hosts", "taking_part", "primary_task", "related", "programme",
    "attendance", "opens_before", "closes_after",
)  # fmt: skip


def _is_more_open(form: ActivityForm) -> bool:
    """A folded field with an error, or more than one session: nobody should have to search."""
    details = [f.name for f in form if f.name.startswith("detail_")]
    return bool(form.more.entries) or any(form[name].errors for name in (*FOLDED, *details))


def _blank(kind: str, *, is_paper: bool) -> ActivityForm:
    form = form_for(kind, formdata=None)
    form.start.data, form.end.data = FIRST_START, FIRST_END
    form.opens_before.data, form.closes_after.data = "60", "30"
    form.audience.data, form.attendance.data = Audience.LINK.value, Attendance.ALL.value
    form.takes_registration.data = form.takes_walk_in.data = True
    if kind in KINDS:
        preset(form, kind)
    if is_paper:
        form.takes_registration.data = False
    return form


def _submitted(fixed_kind: str = "") -> tuple[ActivityForm, bool]:
    """The bound form, and whether it only wants to be drawn anew (another kind, one more session)."""
    form = form_for(fixed_kind or request.form.get("kind", ""))
    step = request.form.get("step", "")
    if fixed_kind:
        form.kind.data = form.drawn.data = fixed_kind
    kind = form.kind.data
    if kind in KINDS and kind != form.drawn.data:
        preset(form, kind)
        return form, True
    if step == "session":
        last = form.more.entries[-1].form if form.more.entries else form
        form.more.append_entry({"capacity": last.capacity.data, "date": last.date.data})
        return form, True
    return form, step == "kind"


@bp.route("/activities/new", methods=["GET", "POST"])
@requires(Action.ACTIVITY_EDIT)
def new() -> Response:
    """Pick a kind, four things to say; the template fills the rest."""
    is_paper = request.args.get("paper") == "1"
    choices = load_choices()
    if request.method == "GET":
        asked = request.args.get("kind", "")
        return _page(_blank(asked if asked in KINDS else "", is_paper=is_paper), choices, is_paper=is_paper)
    form, only_drawn = _submitted()
    if only_drawn:
        return _page(form, choices, is_paper=is_paper, part=True)
    return _save(form, choices, _enter_paper if is_paper else _create, is_paper=is_paper)


Saver = Callable[[Session, ActivityForm, Any], str]


def _save(
    form: ActivityForm, choices: Choices, saver: Saver, *, activity: Activity | None = None, is_paper: bool = False
) -> Response:
    """Read, write in one transaction, and answer; a refusal keeps everything typed."""
    code = activity.code if activity else ""
    problems: list[str] = []
    status = 422
    twins: list[Twin] = []
    if not form.validate():
        problems = [_("页面放得太久了，请再点一次保存。")] if form.csrf_token.errors else []
    else:
        intake = Intake(form, choices)
        data = intake.read(host_unit_id=activity.host_unit_id if activity else None, is_paper=is_paper)
        if data is None:
            problems = attach(form, intake.errors)
        else:
            try:
                with transaction(db.session) as tx:
                    target = saver(tx, form, data)
                return redirect(target, 303)
            except RuleBroken as broken:
                problems = attach(form, broken.problems)
            except TwinsFound as found:
                twins = found.twins
            except Conflict as conflict:
                problems, status = [_(conflict.message)], 409
    again = load_activity(code, Action.ACTIVITY_EDIT) if code else None
    return _page(
        form, load_choices(again), activity=again, is_paper=is_paper, problems=problems, twins=twins, status=status
    )


class TwinsFound(Exception):
    """A paper entry that looks like another write-up; nothing was saved."""

    def __init__(self, twins: list[Twin]) -> None:
        super().__init__("twins")
        self.twins = twins


def _with_item(tx: Session, form: ActivityForm, data: service.ActivityInput) -> service.ActivityInput:
    if not KINDS[data.kind].needs_heritage:
        return data
    item = find_or_add_heritage_item(tx, form.heritage.data or "")
    return replace(data, heritage_item_id=item.id if item else None)


def _create(tx: Session, form: ActivityForm, data: service.ActivityInput) -> str:
    activity = service.create_activity(tx, _with_item(tx, form, data), actor=current_actor(), now=now())
    if request.form.get("do") != "publish":
        flash(_("草稿已保存。"), "good")
        return url_for("activities.detail", code=activity.code)
    return publish_or_ask(tx, activity)


def publish_or_ask(tx: Session, activity: Activity) -> str:
    """Publish, unless another write-up of the same event is there: then a person decides first."""
    if not activity.keeps_apart and find_twins(tx, activity):
        return url_for("activities.twins", code=activity.code)
    service.publish_activity(tx, activity, needs_nod=needs_nod(), actor=current_actor(), now=now())
    if activity.listing == "waiting":
        flash(_("已发布，链接和海报现在就能用。上首页日历要等负责人或区文明办同意。"), "good")
    else:
        flash(_("已发布。"), "good")
    return url_for("activities.share", code=activity.code)


def _enter_paper(tx: Session, form: ActivityForm, data: service.ActivityInput) -> str:
    try:
        adults, children = read_number(form.adults.data) or 0, read_number(form.children.data) or 0
    except ValueError:
        raise RuleBroken(Problem("headcount", "人数请填整数。", field="adults")) from None
    if adults + children == 0 and not KINDS[data.kind].allows_zero:
        raise RuleBroken(Problem("headcount_missing", "还没填到场人数。", field="adults"))
    moment, actor = now(), current_actor()
    activity = service.enter_paper_activity(
        tx, _with_item(tx, form, data), headcount=adults + children, actor=actor, now=moment
    )
    twins = [] if activity.keeps_apart else find_twins(tx, activity)
    if twins:
        raise TwinsFound(twins)
    if adults + children:
        # The last session stands for the whole event: a paper sheet is counted once.
        enter_count(
            tx, activity.sessions[-1], adults=adults, children=children, method=Method.PAPER, actor=actor, now=moment
        )
    flash(_("已补录。人数按“清点/补录”计，接着上传照片就能提交。"), "good")
    return url_for("activities.detail", code=activity.code)


@bp.route("/activities/<code>/edit", methods=["GET", "POST"])
@requires(Action.ACTIVITY_EDIT)
def edit(code: str) -> Response:
    """The same form for an activity that stands; the version guards against a lost update."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    choices = load_choices(activity)
    if request.method == "GET":
        form = form_for(activity.kind, formdata=None, data=filled(activity, choices))
        return _page(form, choices, activity=activity, is_paper=activity.origin == "paper")
    is_draft = activity.state == ActivityState.DRAFT.value
    form, only_drawn = _submitted("" if is_draft else activity.kind)  # what was announced stays what it is
    if only_drawn:
        return _page(form, choices, activity=activity, is_paper=activity.origin == "paper", part=True)

    def saver(tx: Session, form: ActivityForm, data: service.ActivityInput) -> str:
        return _change(tx, code, form, data)

    return _save(form, choices, saver, activity=activity, is_paper=activity.origin == "paper")


def _change(tx: Session, code: str, form: ActivityForm, data: service.ActivityInput) -> str:
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    version = form.version.data or ""
    moment = now()
    wait_for_places(tx, activity.id)  # nobody registers between the count and the change
    set_by_hand = any(row.opened_at or row.closes_at for row in activity.sessions)
    service.change_activity(
        tx, activity, _with_item(tx, form, data), version=int(version) if version.isascii() and version.isdigit() else -1,
        reason=form.reason.data or "", needs_nod=needs_nod(),
        has_registered=count_registrations(tx, activity.id) > 0, actor=current_actor(), now=moment,
    )  # fmt: skip
    put_change(tx, activity, now=moment)
    promote_waiting(tx, activity, now=now())  # more places go to the waiting at once
    if request.form.get("do") == "publish" and activity.state == ActivityState.DRAFT.value:
        return publish_or_ask(tx, activity)
    flash(_("已保存。"), "good")
    if set_by_hand and not any(row.opened_at or row.closes_at for row in activity.sessions):
        flash(_("时间改了，原来手动打开、关闭或延长的签到作废，改按新的时间自动开关。"), "warn")
    return url_for("activities.detail", code=code)


@bp.post("/activities/<code>/publish")
@requires(Action.ACTIVITY_EDIT)
def publish(code: str) -> Response:
    """Publish a draft from its page; what is missing is asked for in the form."""
    try:
        with transaction(db.session) as tx:
            target = publish_or_ask(tx, load_activity(code, Action.ACTIVITY_EDIT))
    except RuleBroken as broken:
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        choices = load_choices(activity)
        form = form_for(activity.kind, formdata=None, data=filled(activity, choices))
        return _page(form, choices, activity=activity, problems=attach(form, broken.problems), status=422)
    return redirect(target, 303)


class CopyForm(FlaskForm):  # type: ignore[misc]
    """When the copy's first session begins."""

    date = StringField("新日期")
    start = StringField("开始")


@bp.route("/activities/<code>/copy", methods=["GET", "POST"])
@requires(Action.ACTIVITY_EDIT)
def copy(code: str) -> Response:
    """A draft with the same settings; every time moves with the first."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    form = CopyForm()
    if request.method == "GET" and activity.sessions:
        first, today = local(activity.sessions[0].starts_at), local(now()).date()
        weeks = max(1, (today - first.date()).days // 7 + 1)  # the same weekday, and not in the past
        form.date.data = (first.date() + timedelta(weeks=weeks)).isoformat()
        form.start.data = first.strftime("%H:%M")
    if request.method == "POST" and form.validate():
        day, clock = read_day(form.date.data or ""), read_clock(form.start.data or "")
        if day is None:
            form.date.errors = [_("日期没看懂，请写成 2026-11-24 这样。")]
        if clock is None:
            form.start.errors = [_("开始时间没看懂，请写成 09:00 这样。")]
        if day is not None and clock is not None:
            return _copy(code, shanghai(day, clock), is_practice=False)
    return render("activities/copy.html", activity=activity, form=form, status=422 if request.method == "POST" else 200)


def _copy(code: str, first_start: datetime, *, is_practice: bool) -> Response:
    actor, moment = current_actor(), now()
    with transaction(db.session) as tx:
        source = load_activity(code, Action.ACTIVITY_EDIT)
        made = service.copy_activity(
            tx, source, first_start=first_start, is_practice=is_practice, actor=actor, now=moment
        )
        if is_practice:
            service.publish_activity(tx, made, needs_nod=False, actor=actor, now=moment)
            seed_practice(tx, made, keys=keys(), actor=actor, now=moment)
        new_code, held = made.code, list_holds(tx, source)
    if is_practice:
        flash(_("演练已开好，签到现在就能试：扫下面“演练用的报名码”。它不计入任何数字，7天后自动隐藏。"), "good")
        return redirect(link("console.show", code=new_code) or url_for("activities.detail", code=new_code), 303)
    flash(_("已复制成草稿，设置、问题和单位名额都在，时间整体移好了。看一遍再发布。"), "good")
    if held:
        flash(_("给班级预留的名额没有带过来，要留请在“报名设置”里再留。"), "plain")
    return redirect(url_for("activities.detail", code=new_code), 303)


@bp.post("/activities/<code>/practice")
@requires(Action.ACTIVITY_EDIT)
def practise(code: str) -> Response:
    """A practice activity in one click: it begins in a quarter of an hour, so that sign-in is open now."""
    load_activity(code, Action.ACTIVITY_EDIT)
    soon = now() + timedelta(minutes=15)
    return _copy(code, soon.replace(minute=soon.minute - soon.minute % 5, second=0, microsecond=0), is_practice=True)
