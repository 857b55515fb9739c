"""监护人同意: the guardian's own form, the one-time link, and the desk's three ways."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, StringField

from app.activities.models import Activity
from app.activities.queries import get_public_activity
from app.evidence.photo_process import photo_process
from app.extensions import db, limiter
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, NotFound, Problem, RuleBroken, TooMany
from app.kernel.tokens import digest
from app.organisation.permissions import Action
from app.registration.entering import OTHER_UNIT, PhoneTaken, list_quota_units
from app.registration.guardians import (
    MinorEntry,
    answer_deadline,
    ask_guardian,
    find_asked,
    give_consent,
    register_minor,
)
from app.registration.letters import moment_words
from app.registration.models import ConsentWay, RegistrationState
from app.registration.rules import GUARDIANS, closed_problem
from app.web import mine
from app.web.access import address_key, current_actor, keys, load_activity, public, requires, settings
from app.web.evidence import storage
from app.web.registration.blueprint import bp
from app.web.registration.forms import SubmissionForm, UnitForm, attach, fill_sessions, fill_units, too_long
from app.web.registration.public import FREE_TRIES, WINDOW, phone_counted
from app.web.rendering import render, span_text, staff_page

PAPER_MOST = 15 * 1024 * 1024


class MinorForm(SubmissionForm, UnitForm):
    """A child and its guardian; `second_name` is a trap for programs."""

    session = RadioField("选一场", choices=[], validate_choice=False)
    name = StringField("孩子怎么称呼")
    given_as = RadioField("您是孩子的", choices=list(GUARDIANS.items()), validate_choice=False)
    phone = StringField("监护人手机号")
    email = StringField("邮箱")
    consent = BooleanField("同意")
    second_name = StringField("请不要填这一栏")

    def chosen(self) -> str | None:
        """The session's code, where each child chooses one."""
        return self.session.data if "session" in self else None

    def address(self, activity: Activity) -> str:
        """The e-mail address, where the activity sends mail."""
        return (self.email.data or "") if activity.sends_mail else ""


@bp.get("/a/<code>/child")
@public
def child(code: str) -> Response:
    """The guardian's form, on an activity that names minors."""
    mine.browser_token()
    return _child_page(get_public_activity(db.session(), code), MinorForm(formdata=None))


@bp.post("/a/<code>/child")
@public
@limiter.limit("60/minute")
def register_child(code: str) -> Response:
    """The guardian registers the child and consents in one step."""
    activity, form, moment = get_public_activity(db.session(), code), MinorForm(), now()
    if not form.validate() or too_long(form):
        return _child_page(activity, form, status=422)
    if form.second_name.data:
        words = _("这份表单像是程序填的，没有报名。请刷新页面，手工填一次。")
        return _child_page(activity, form, [Problem("robot", words)], 422)
    try:
        with phone_counted(code, moment), transaction(db.session) as tx:
            entry = MinorEntry(
                form.chosen(), form.name.data or "", form.given_as.data or "", form.phone.data or "",
                bool(form.consent.data), ConsentWay.LINK, form.submission_id, mine.browser_token(),
                email=form.address(activity), from_unit=form.from_unit,
            )  # fmt: skip
            done = register_minor(tx, activity, entry, keys=keys(), now=moment)
            state, secret_hash, is_new = done.registration.state, done.registration.secret_hash, done.created
    except PhoneTaken as taken:
        return _child_refused(code, form, [Problem("phone", taken.message, field="phone")], 409)
    except TooMany as many:
        return _child_refused(code, form, [Problem("phone", many.message, field="phone")], 429)
    except RuleBroken as broken:
        return _child_refused(code, form, list(broken.problems), 422)
    secret = done.secret or next((s for s in mine.own_tickets(code) if digest(s) == secret_hash), "")
    if not secret:
        return _child_refused(code, form, [Problem("phone", _("此手机号已报名。"), field="phone")], 409)
    return _to_ticket(code, secret, state, is_new=is_new or bool(done.secret))


def _offer_units(form: MinorForm, activity: Activity, chosen_id: int | None = None) -> None:
    """Ask for the unit where units have quotas; `chosen_id` is what the desk said before."""
    units = list_quota_units(db.session(), activity)
    fill_units(form, units)
    if chosen_id is not None and form.from_unit is not None:
        form.unit.data = next((code for unit_id, code, _name in units if unit_id == chosen_id), OTHER_UNIT)


def _to_ticket(code: str, secret: str, state: str, *, is_new: bool = True) -> Response:
    if not is_new:
        flash(_("这个孩子已经报过名了，没有重复报名。这是他的报名码。"), "plain")
    elif state == RegistrationState.WAITLISTED.value:
        flash(_("名额满了，已排上候补。"), "warn")
    elif state == RegistrationState.PENDING.value:
        flash(_("已提交，您的同意已记下，等主办单位确认。"), "good")
    else:
        flash(_("已登记，您的同意已记下。"), "good")
    response = redirect(url_for("tickets.show", secret=secret), 303)
    mine.remember(response, code, secret)  # type: ignore[arg-type]
    return response


def _child_refused(code: str, form: MinorForm, problems: list[Problem], status: int) -> Response:
    db.session.rollback()
    return _child_page(get_public_activity(db.session(), code), form, problems, status)


def _child_page(
    activity: Activity, form: MinorForm, problems: list[Problem] | None = None, status: int = 200
) -> Response:
    moment = now()
    fill_sessions(form, activity, at=moment)
    _offer_units(form, activity)
    closed = closed_problem(
        state=activity.state, takes_registration=activity.takes_registration, ends_at=activity.ends_at, now=moment
    )
    words = (
        _(closed.message)
        if closed
        else ""
        if activity.names_minors
        else _("这场活动不登记孩子的姓名，按人数报名就行。")
    )
    return render(
        "registration/child.html", status=status, activity=activity, form=form, closed=words,
        problems=attach(form, problems or []), action=url_for("registration.register_child", code=activity.code),
    )  # fmt: skip


@bp.route("/g/<secret>", methods=["GET", "POST"])
@public
def guardian(secret: str) -> Response:
    """A one-time link on the guardian's phone: read, consent, and only now say the child's name."""
    moment, key = now(), address_key()
    check_attempts(db.session(), "ticket", key, now=moment, free=FREE_TRIES, window=WINDOW)
    try:
        _asked, registration = find_asked(db.session(), secret, now=moment)
    except NotFound:
        if request.method == "POST":
            with transaction(db.session) as tx:
                settle_attempt(tx, "ticket", key, right=False, now=moment, free=FREE_TRIES, window=WINDOW)
        raise
    activity = db.session.get_one(Activity, registration.activity_id)
    form = MinorForm()
    _offer_units(form, activity, registration.unit_id if request.method == "GET" else None)
    if request.method == "GET" or not form.validate() or too_long(form):
        return _guardian_page(activity, secret, form, [], 200 if request.method == "GET" else 422)
    code = activity.code
    try:
        with transaction(db.session) as tx:
            registration, ticket = give_consent(
                tx, secret, name=form.name.data or "", given_as=form.given_as.data or "", phone=form.phone.data or "",
                consent=bool(form.consent.data), keys=keys(), now=moment, email=form.address(activity),
                from_unit=form.from_unit,
            )  # fmt: skip
            state = registration.state
    except RuleBroken as broken:
        db.session.rollback()
        return _guardian_page(db.session.get_one(Activity, activity.id), secret, form, list(broken.problems), 422)
    return _to_ticket(code, ticket, state)


def _guardian_page(activity: Activity, secret: str, form: MinorForm, problems: list[Problem], status: int) -> Response:
    del form.session
    response = render(
        "registration/child.html", status=status, activity=activity, form=form, closed="",
        problems=attach(form, problems), action=url_for("registration.guardian", secret=secret),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@bp.get("/activities/<code>/registrations/minors")
@requires(Action.ACTIVITY_EDIT)
def minor_desk(code: str) -> Response:
    """Three ways: a link for the guardian's phone, a signed paper, the school's declaration."""
    return _desk_page(load_activity(code, Action.ACTIVITY_EDIT), MinorForm(formdata=None))


def _desk_page(
    activity: Activity, form: MinorForm, problems: list[Problem] | None = None, *, text: str = "", note: str = "",
    ask: MinorForm | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """`ask` is the form of the link, `form` that of the paper; each shows its own problems."""
    staff_page()
    ask = ask or MinorForm(formdata=None)
    for each in (ask, form):
        fill_sessions(each, activity, at=now())
        _offer_units(each, activity)
    response = render(
        "registration/minors.html", status=status, activity=activity, form=form, ask=ask, text=text, note=note,
        problems=attach(form, problems or []), way=request.form.get("way", ""),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/activities/<code>/registrations/minors/ask")
@requires(Action.ACTIVITY_EDIT)
def ask_minor(code: str) -> Response:
    """Keep a place and make the one-time link; it is shown once."""
    form = MinorForm()
    try:
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.ACTIVITY_EDIT)
            fill_sessions(form, activity, at=now())
            _offer_units(form, activity)
            made, secret = ask_guardian(
                tx, activity, session_code=form.chosen(), keys=keys(), actor=current_actor(), now=now(),
                from_unit=form.from_unit,
            )  # fmt: skip
            until, waits = answer_deadline(tx, made), made.state == RegistrationState.WAITLISTED.value
    except RuleBroken as broken:
        db.session.rollback()
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        loose = [Problem("ask", words) for words in attach(form, broken.problems)]
        return _desk_page(activity, MinorForm(formdata=None), loose, ask=form, status=422)
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    link = settings().base_url + url_for("registration.guardian", secret=secret)
    when = span_text(activity.starts_at, activity.ends_at) if activity.starts_at and activity.ends_at else ""
    words = _(
        "家长您好：孩子要参加“%(title)s”（%(when)s，%(venue)s），需要您同意。请%(until)s前在您的手机上打开这个链接（只能用一次）：%(link)s",
        title=activity.title, when=when, venue=activity.venue, link=link, until=moment_words(until),
    )  # fmt: skip
    note = (
        _("名额满了，已排上候补。递补上以后才开始等家长答复。")
        if waits
        else _("名额已先占住一个。到%(until)s家长还没有同意，名额自动给后面的人。", until=moment_words(until))
    )
    return _desk_page(activity, MinorForm(formdata=None), text=words, note=note)


@bp.post("/activities/<code>/registrations/minors")
@requires(Action.ACTIVITY_EDIT)
def add_minor(code: str) -> Response:
    """A signed paper (its photo is kept, protected, until it expires), or the school's declaration."""
    form, way = MinorForm(), request.form.get("way", "")
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    if way not in (ConsentWay.PAPER.value, ConsentWay.SCHOOL.value):
        return _desk_page(activity, form, [Problem("way", _("请选同意书在哪里。"))], status=422)
    if not form.validate() or too_long(form):
        return _desk_page(activity, form, status=422)
    try:
        paper = _keep_paper() if way == ConsentWay.PAPER.value else ""
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.ACTIVITY_EDIT)
            entry = MinorEntry(
                form.chosen(), form.name.data or "", form.given_as.data or "", form.phone.data or "",
                bool(form.consent.data), ConsentWay(way), form.submission_id, f"desk-{current_actor().user_code}",
                paper, current_actor().user_id, form.address(activity), form.from_unit,
            )  # fmt: skip
            done = register_minor(tx, activity, entry, keys=keys(), now=now(), actor=current_actor())
            if not (done.created or done.secret):
                words = _("这个手机号已经为这个孩子报过名，没有重复登记。另一个孩子请写另一个称呼。")
                raise RuleBroken(Problem("child_known", words, field="name"))
    except DomainError as error:
        db.session.rollback()
        field = "phone" if isinstance(error, PhoneTaken) else ""
        problems = (
            list(error.problems) if isinstance(error, RuleBroken) else [Problem(error.code, error.message, field=field)]
        )
        return _desk_page(load_activity(code, Action.ACTIVITY_EDIT), form, problems, status=422)
    flash(_("已登记，同意已记下。"), "good")
    return redirect(url_for("registration.roster", code=code), 303)


def _keep_paper() -> str:
    """The photo of the signed form, re-encoded and stripped like every picture; returns its hash, empty without one."""
    upload = request.files.get("paper")
    if upload is None or not upload.filename:
        return ""
    data = upload.stream.read(PAPER_MOST + 1)
    if len(data) > PAPER_MOST:
        raise RuleBroken(Problem("paper", _("照片超过15MB，没有保存。"), field="paper"))
    photo = photo_process.convert(data)
    storage().put(photo.stored_sha256, photo.main)
    return photo.stored_sha256
