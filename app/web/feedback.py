"""投诉建议: the form without sign-in, the receipt that finds the answer, and the office's desk."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, StringField, TextAreaField

from app.activities.models import Activity
from app.activities.queries import get_public_activity
from app.extensions import db
from app.feedback import service
from app.feedback.queries import count_feedback, find_by_receipt, get_feedback, list_feedback, monthly_counts
from app.feedback.rules import ANSWER_MOST, ANSWER_WORKING_DAYS, MESSAGE_MOST, NO_RECEIPT, SORT_LABELS
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken, TooMany
from app.kernel.tokens import random_secret
from app.organisation.permissions import Action, reach
from app.web import mine
from app.web.access import address_key, current_actor, keys, public, requires
from app.web.paging import Page, asked_page
from app.web.registration.forms import SubmissionForm, attach
from app.web.rendering import render

bp = Blueprint("feedback", __name__, url_prefix="/feedback")

# A whole school may write on one afternoon behind one address; after that the wait grows, and never blocks for good.
FREE_MESSAGES = 60
FREE_TRIES = 10
WINDOW = timedelta(hours=1)
SIZE = 20


class FeedbackForm(SubmissionForm):
    """What is asked. `second_name` is a trap for programs."""

    sort = RadioField("哪一种", choices=[], validate_choice=False)
    message = TextAreaField("要说的事")
    contact = StringField("联系方式")
    second_name = StringField("请不要填这一栏")


class ReceiptForm(FlaskForm):  # type: ignore[misc]
    """The receipt as typed."""

    receipt = StringField("回执号")


@bp.after_request
def _keep_out(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response


def _activity() -> Activity | None:
    """The activity that the link remembers; a wrong one is simply none."""
    code = request.values.get("a", "")[:12]
    try:
        return get_public_activity(db.session(), code) if code else None
    except NotFound:
        return None


@bp.get("")
@public
def form() -> Response:
    """An empty form."""
    mine.browser_token()
    return _page(FeedbackForm(formdata=None, submission=random_secret()))


@bp.post("")
@public
def send() -> Response:
    """Take the message; what was typed stays in the form when something is wrong."""
    filled = FeedbackForm()
    if not filled.validate():
        return _page(filled, 422)
    if filled.second_name.data:
        return _page(filled, 422, [_("这份表单像是程序填的，没有提交。请刷新页面，手工填一次。")])
    try:
        receipt = _receive(filled)
    except TooMany as many:
        response = _page(filled, 429, [_(many.message)])
        response.headers["Retry-After"] = str(many.wait_seconds)
        return response
    except RuleBroken as broken:
        return _page(filled, 422, attach(filled, broken.problems))
    session["receipt"] = receipt
    return redirect(url_for("feedback.done"), 303)


def _receive(filled: FeedbackForm) -> str:
    moment, key = now(), address_key()
    check_attempts(db.session(), "feedback", key, now=moment, free=FREE_MESSAGES, window=WINDOW)
    message = service.Message(
        filled.sort.data or "", filled.message.data or "", filled.contact.data or "", mine.browser_token(),
        filled.submission_id,
    )  # fmt: skip
    with transaction(db.session) as tx:
        # Every message counts, not only a wrong one.
        settle_attempt(tx, "feedback", key, right=False, now=moment, free=FREE_MESSAGES, window=WINDOW)
        _row, receipt = service.receive(tx, message, _activity(), keys=keys(), now=moment)
    return receipt


def _page(filled: FeedbackForm, status: int = 200, problems: list[str] | None = None) -> Response:
    filled.sort.choices = [(code, _(label)) for code, label in SORT_LABELS.items()]
    return render(
        "feedback/form.html", form=filled, about=_activity(), problems=problems or [], days=ANSWER_WORKING_DAYS,
        message_most=MESSAGE_MOST, status=status,
    )  # fmt: skip


@bp.get("/done")
@public
def done() -> Response:
    """The receipt, this once: it leaves the browser's cookie with this answer."""
    receipt = session.pop("receipt", "")
    return render("feedback/done.html", receipt=receipt, days=ANSWER_WORKING_DAYS)


@bp.get("/receipt")
@public
def ask_receipt() -> Response:
    """Where one types the receipt."""
    return render("feedback/receipt.html", form=ReceiptForm(formdata=None), found=None)


@bp.post("/receipt")
@public
def look_up() -> Response:
    """The answer, or that there is none yet; a wrong receipt is counted by address."""
    filled, moment, key = ReceiptForm(), now(), address_key()
    try:
        check_attempts(db.session(), "receipt", key, now=moment, free=FREE_TRIES, window=WINDOW)
        found = find_by_receipt(db.session(), filled.receipt.data or "", keys=keys())
        with transaction(db.session) as tx:
            right = found is not None
            settle_attempt(tx, "receipt", key, right=right, now=moment, free=FREE_TRIES, window=WINDOW)
    except TooMany as many:
        filled.receipt.errors = [_(many.message)]
        response = render("feedback/receipt.html", form=filled, found=None, status=429)
        response.headers["Retry-After"] = str(many.wait_seconds)
        return response
    if found is None:
        filled.receipt.errors = [_(NO_RECEIPT)]
        return render("feedback/receipt.html", form=filled, found=None, status=422)
    return render("feedback/receipt.html", form=filled, found=found, sorts=SORT_LABELS)


def _paths() -> list[str] | None:
    return reach(current_actor(), Action.FEEDBACK_ANSWER)


@bp.get("/desk")
@requires(Action.FEEDBACK_ANSWER)
def desk() -> Response:
    """What waits for an answer, the overdue first; what was answered; the months."""
    session_, today, paths = db.session(), business_day(now()), _paths()
    answered = request.args.get("show") == "answered"
    waiting, overdue, closed = count_feedback(session_, paths, today=today)
    page = Page(asked_page(), SIZE, closed if answered else waiting)
    return render(
        "feedback/desk.html",
        rows=list_feedback(session_, paths, answered=answered, today=today, page=page.number, size=SIZE),
        months=monthly_counts(session_, paths, today=today, months=6), answered=answered, waiting=waiting,
        overdue=overdue, closed=closed, page=page, sorts=SORT_LABELS, days=ANSWER_WORKING_DAYS,
    )  # fmt: skip


@bp.get("/desk/<code>")
@requires(Action.FEEDBACK_ANSWER)
def one(code: str) -> Response:
    """One message and the field for the answer; the contact stays closed."""
    return _one(code)


def _one(code: str, *, status: int = 200, contact: str = "", typed: str = "", problem: str = "") -> Response:
    row, title, host = get_feedback(db.session(), code, _paths())
    return render(
        "feedback/one.html", row=row, title=title, host=host, sorts=SORT_LABELS, contact=contact, typed=typed,
        problem=problem, answer_most=ANSWER_MOST, status=status, today=business_day(now()),
    )  # fmt: skip


@bp.post("/desk/<code>/answer")
@requires(Action.FEEDBACK_ANSWER)
def answer(code: str) -> Response:
    """The words that the receipt shows."""
    typed = request.form.get("answer", "")[:4000]
    try:
        with transaction(db.session) as tx:
            row, _title, _host = get_feedback(tx, code, _paths())
            service.answer(tx, row, text=typed, actor=current_actor(), now=now())
    except RuleBroken as broken:
        return _one(code, status=422, typed=typed, problem=_(broken.message))
    flash(_("已回复。对方凭回执号能看到。"), "good")
    return redirect(url_for("feedback.desk"), 303)


@bp.post("/desk/<code>/contact")
@requires(Action.FEEDBACK_ANSWER)
def contact(code: str) -> Response:
    """The contact in full, after an entry in the log."""
    with transaction(db.session) as tx:
        row, _title, _host = get_feedback(tx, code, _paths())
        found = service.read_contact(tx, row, actor=current_actor(), now=now(), keys=keys())
    return _one(code, contact=found or _("读不出来"))
