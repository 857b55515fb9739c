"""The reviewer's desk: the queue, a case with claim and evidence side by side, the verbs."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, StringField, TextAreaField
from wtforms.validators import Length

from app.activities.kinds import KINDS
from app.activities.models import Activity, ReviewState
from app.evidence.queries import list_matches, slots_of
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken, Severity
from app.kernel.text import ascii_digits, clean
from app.organisation.models import Unit
from app.organisation.permissions import Action
from app.organisation.queries import unit_names
from app.planning.models import Task
from app.review import service
from app.review.freeze import count_activity, involved_units
from app.review.models import CaseState, ReviewCase
from app.review.queries import changes_read, current_case, find_case, get_case, history, queue
from app.web.access import current_actor, load_activity, requires
from app.web.rendering import render, staff_page

bp = Blueprint("review", __name__)


@bp.before_request
def _mark() -> None:
    staff_page()


class DecideForm(FlaskForm):  # type: ignore[misc]
    reason = StringField("审核意见", validators=[Length(max=300, message="原因最多300个字。")])


CLAIM_MOST = 100_000
CLAIM_WORDS = f"人次请填0到{CLAIM_MOST}的整数。"


class ClaimField(IntegerField):  # type: ignore[misc]
    """A head-count as typed; what is none stays in the field, with our words beside it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError in words."""
        text = ascii_digits(clean("".join(valuelist)))
        self.data = int(text) if re.fullmatch("[0-9]{1,6}", text) else None
        if text and (self.data is None or self.data > CLAIM_MOST):
            self.data = None
            self.raw_data = [text[:20]]
            raise ValueError(CLAIM_WORDS)


class SubmitForm(FlaskForm):  # type: ignore[misc]
    claimed = ClaimField("申报人次")
    remark = TextAreaField("说明", validators=[Length(max=300, message="说明最多300个字。")])


@bp.get("/review", endpoint="queue")
@requires(Action.REVIEW)
def queue_page() -> Response:
    """Flagged first; cases of one's own unit never show."""
    state = CaseState(request.args["state"]) if request.args.get("state") in set(CaseState) else CaseState.UNDER_REVIEW
    return render(
        "review/queue.html",
        rows=queue(db.session(), current_actor(), state=state),
        state=state.value,
        kinds=KINDS,
        now=now(),
    )


@bp.get("/review/<code>")
@requires(Action.REVIEW)
def case_page(code: str) -> Response:
    """One case."""
    return _case_page(code, DecideForm(formdata=None))


def _case_page(code: str, form: DecideForm, status: int = 200) -> Response:
    session = db.session()
    case, activity = find_case(session, code, current_actor())
    waiting = [row.code for row in queue(session, current_actor())]
    place = waiting.index(case.code) if case.code in waiting else -1
    names = unit_names(session)
    return render(
        "review/case.html",
        status=status,
        case=case,
        activity=activity,
        kind=KINDS[activity.kind],
        counts=count_activity(session, activity.id),
        slots=slots_of(session, activity),
        matches=list_matches(session, activity),
        history=history(session, activity.id),
        changes=changes_read(session, activity),
        host=names[activity.host_unit_id],
        co_hosts=[names[i] for i in sorted(involved_units(session, activity)) if i != activity.host_unit_id],
        task=session.get(Task, activity.primary_task_id) if activity.primary_task_id else None,
        place=place + 1,
        waiting=len(waiting),
        previous=waiting[place - 1] if place > 0 else "",
        following=waiting[place + 1] if 0 <= place < len(waiting) - 1 else "",
        form=form,
        now=now(),
    )


_DONE = {
    "approve": "已通过，计入台账，任务的数字已经更新。",
    "return": "已退回，经办人会在工作台最上面看到您的意见。",
    "reject": "已标为不予计入，记录保留，数字不变。",
}


@bp.post("/review/<code>/<any(approve, 'return', reject):verb>")
@requires(Action.REVIEW)
def decide(code: str, verb: str) -> Response:
    """Approve, return or do not count; a refusal keeps what was typed."""
    form = DecideForm()
    actor = current_actor()
    waiting = [row.code for row in queue(db.session(), actor)]
    if not form.validate():
        return _case_page(code, form, 422)
    try:
        with transaction(db.session) as tx:
            case = get_case(tx, code, actor)
            _carry_out(verb, tx, case, reason=form.reason.data or "", actor=actor)
    except RuleBroken as error:
        form.reason.errors = [problem.message for problem in error.problems]
        return _case_page(code, form, 422)
    flash(_(_DONE[verb]), "good")
    place = waiting.index(code) if code in waiting else -1
    following = waiting[place + 1] if 0 <= place < len(waiting) - 1 else ""
    return redirect(url_for("review.case_page", code=following) if following else url_for("review.queue"))


def _carry_out(verb: str, tx: Any, case: ReviewCase, *, reason: str, actor: Any) -> None:
    if verb == "approve":
        service.approve(tx, case, actor=actor, now=now())
    elif verb == "return":
        service.return_case(tx, case, reason=reason, actor=actor, now=now())
    else:
        service.reject(tx, case, reason=reason, actor=actor, now=now())


@bp.post("/review/<code>/matches/<match_code>")
@requires(Action.REVIEW)
def decide_match(code: str, match_code: str) -> Response:
    """The reader of this case says: the same picture, or different ones. Four eyes, as for the case itself."""
    answer = request.form.get("answer")
    if answer in ("same", "different"):
        with transaction(db.session) as tx:
            service.decide_pair(
                tx,
                get_case(tx, code, current_actor()),
                match_code,
                same=answer == "same",
                actor=current_actor(),
                now=now(),
            )
        flash(_("已记下您的比对。"), "good")
    return redirect(url_for("review.case_page", code=code), 303)


@bp.route("/activities/<code>/submit", methods=["GET", "POST"])
@requires(Action.SUBMIT)
def submit(code: str) -> Response:
    """The wrap-up's last step: checklist, declared head-count, remark."""
    activity = load_activity(code, Action.SUBMIT)
    form = SubmitForm()
    problems: list[str] = []
    if request.method == "POST" and form.validate():
        try:
            with transaction(db.session) as tx:
                service.submit(
                    tx, load_activity(code, Action.SUBMIT), claimed_headcount=form.claimed.data,
                    remark=form.remark.data or "", actor=current_actor(), now=now(),
                )  # fmt: skip
        except RuleBroken as error:
            problems = [problem.message for problem in error.problems]
        else:
            flash(_("已提交。审核结果会出现在工作台上。"), "good")
            return redirect(url_for("home.workbench"))
    activity = load_activity(code, Action.SUBMIT)
    recorded = count_activity(db.session(), activity.id)
    if request.method == "GET":
        form.claimed.data = recorded.total
    found = service.run_checklist(db.session(), activity, claimed=form.claimed.data, now=now())
    return render(
        "review/submit.html",
        status=422 if request.method == "POST" else 200,
        activity=activity,
        form=form,
        problems=problems,
        blocking=[p for p in found if p.severity is Severity.BLOCKER],
        warnings=[p for p in found if p.severity is Severity.WARNING],
        counts=recorded,
        case=current_case(db.session(), activity.id),
    )


@bp.route("/activities/<code>/withdraw-submission", methods=["GET", "POST"])
@requires(Action.SUBMIT)
def withdraw(code: str) -> Response:
    """Take a submission back before it is decided; asks first."""
    if request.method == "GET":
        activity = load_activity(code, Action.SUBMIT)
        if activity.review_state != ReviewState.UNDER_REVIEW.value:
            return redirect(url_for("activities.detail", code=code))
        return render("review/withdraw.html", activity=activity)
    with transaction(db.session) as tx:
        service.withdraw(tx, load_activity(code, Action.SUBMIT), actor=current_actor(), now=now())
    flash(_("已撤回，可以继续修改，改好再提交。"), "good")
    return redirect(url_for("activities.detail", code=code))


@bp.route("/activities/<code>/reopen", methods=["GET", "POST"])
@requires(Action.REOPEN)
def reopen(code: str) -> Response:
    """Send a decided activity back: an approved one's figure goes at once, the record stays."""
    activity = load_activity(code, Action.REOPEN)
    was_approved = activity.review_state == ReviewState.APPROVED.value
    form = DecideForm()
    if request.method == "POST" and form.validate():
        try:
            with transaction(db.session) as tx:
                service.reopen(
                    tx, load_activity(code, Action.REOPEN), reason=form.reason.data or "",
                    actor=current_actor(), now=now(),
                )  # fmt: skip
        except RuleBroken as error:
            form.reason.errors = [problem.message for problem in error.problems]
        else:
            words = _("已退回重审，这一笔已从合计里减去。") if was_approved else _("已退回，主办单位可以改好再交。")
            flash(words, "good")
            return redirect(url_for("review.queue"))
    activity = load_activity(code, Action.REOPEN)
    return render(
        "review/reopen.html",
        status=422 if request.method == "POST" else 200,
        activity=activity,
        refusal=_reopen_refusal(activity),
        host=db.session.get_one(Unit, activity.host_unit_id),
        form=form,
    )


def _reopen_refusal(activity: Activity) -> str:
    """In words before anybody types a reason; an activity without a decision has nothing to send back."""
    case = current_case(db.session(), activity.id)
    if case is None or case.state not in (CaseState.APPROVED.value, CaseState.REJECTED.value):
        return "这场活动现在没有审核结论，不用退回。"
    return service.reopen_refusal(db.session(), activity, case, current_actor())
