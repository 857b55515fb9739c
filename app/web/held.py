"""待核实: what phones recorded and does not fit, both facts side by side, one press each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from app.activities.models import Activity
from app.checkin.answers import labels_of
from app.checkin.deciding import count_before_revoked, count_held, dismiss_held
from app.checkin.devices import get_phone
from app.checkin.held import HeldRow, find_held, gate_of, list_held, lots_of
from app.checkin.models import HeldState
from app.checkin.parties import names_of_parties
from app.checkin.rules import HELD_LABELS, stopped_by
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.organisation.permissions import Action
from app.organisation.queries import roles_of
from app.web.access import current_actor, load_activity, requires
from app.web.errors import status_of
from app.web.paging import Page, asked_page
from app.web.rendering import clock_text, near_text, render, staff_page
from app.web.venue import asked_number

bp = Blueprint("held", __name__, url_prefix="/activities/<code>/held")
PAGE_SIZE = 50
DECIDED = (HeldState.COUNTED, HeldState.NOT_COUNTED, HeldState.WITHDRAWN)
# Beside the button that cannot be pressed.
STOP_WORDS = {
    "cancelled": "活动已取消，不能算到场。", "draft": "活动还没发布，不能算到场。",
    "under_review": "已提交审核，先撤回送审，才能算到场。", "approved": "已通过审核。要补，请审核单位退回重审。",
}  # fmt: skip
STATE_WORDS = {"counted": "算到场", "not_counted": "不算", "withdrawn": "签到员已撤回"}


@bp.before_request
def _mark() -> None:
    staff_page()


def known_facts(row: HeldRow) -> list[str]:
    """What the system knows that speaks against the scan: why it waits, and how the registration stands."""
    first, state = _first_fact(row), _STATE_FACTS.get(row.registration_state)
    why = first or FACTS.get(row.reason, _refused_fact)(row)
    # Where the state is the very reason, it was said.
    is_said = not first and (row.reason == "cancelled" or row.outcome in ("cancelled", "not_confirmed"))
    return [why, state(row)] if state and not is_said else [why]


def _first_fact(row: HeldRow) -> str:
    if row.called_off_at is not None and (row.is_after_calling_off or row.outcome == "activity_closed"):
        return _called_off_fact(row, row.called_off_at)
    if row.is_unsaid:
        return str(_("这是班级或团体的码，没有报来了几人。问一下签到员或老师，填人数。"))
    if row.is_counted_elsewhere:
        return str(_("手机扫的时候，不知道别处已经报过数。是同一批，就按“不算”；是又来的，就算。"))
    if row.is_claim:
        return str(_("从没有校验过的交接文件里读来的，谁都可能改过。问过签到员，属实就算，按“清点/补录”计。"))
    if row.is_again:
        return str(_("同一条已经处理过；再算多半就重了。"))
    return ""


def _called_off_fact(row: HeldRow, called_off_at: datetime) -> str:
    time = clock_text(called_off_at)
    if row.is_after_calling_off:
        return str(_("活动%(time)s已经取消，是取消以后扫的，不能算。", time=time))
    return str(_("活动%(time)s取消，是取消以前扫的。人来过，就算。", time=time))


def _revoked_fact(row: HeldRow) -> str:
    until = row.device_until or row.received_at
    if row.at < until and not row.is_revoked:
        return str(_("这部手机没有配这一场，配的是别的场。"))
    return str(_("这部手机%(time)s已作废或到期。", time=clock_text(until)))


def _time_fact(row: HeldRow) -> str:
    at = clock_text(row.received_at)
    return str(_("%(time)s才收到；手机的钟说的时间早于配对，或晚于收到，不可能。", time=at))


def _cancelled_fact(row: HeldRow) -> str:
    return str(_("这个报名%(time)s已经取消。", time=near_text(row.cancelled_at, row.at) if row.cancelled_at else ""))


def _waitlisted_fact(_row: HeldRow) -> str:
    return str(_("这个报名在候补，没有名额。"))


def _pending_fact(_row: HeldRow) -> str:
    return str(_("这个报名还没有确认，没有名额。"))


def _sealed_fact(row: HeldRow) -> str:
    return str(_("%(time)s收到时，活动已提交审核。先撤回送审，才能算到场。", time=clock_text(row.received_at)))


def _unknown_fact(_row: HeldRow) -> str:
    return str(_("名单里没有这个报名码。名单补上以后，会自动算到场。"))


def _refused_fact(row: HeldRow) -> str:
    return str(_(REFUSED_WORDS.get(row.outcome, "按签到规则不能算。")))


FACTS = {
    "unknown": _unknown_fact, "revoked": _revoked_fact, "impossible_time": _time_fact, "cancelled": _cancelled_fact,
    "sealed": _sealed_fact,
}  # fmt: skip
_STATE_FACTS = {"cancelled": _cancelled_fact, "waitlisted": _waitlisted_fact, "pending": _pending_fact}


def label_of_held(row: HeldRow) -> str:
    """Why it waits, in a word."""
    if row.is_again:
        return str(_("已经算过"))
    if row.called_off_at is not None and row.outcome == "activity_closed":
        return str(_("活动已取消"))
    if row.is_unsaid:
        return str(_("没有报人数"))
    if row.is_counted_elsewhere:
        return str(_("别处报过数"))
    return str(_("交接文件没有校验过") if row.is_claim else _(HELD_LABELS[row.reason]))


def word_of_state(row: HeldRow) -> str:
    """What became of it, in a word."""
    return str(_("后来报了人数") if row.is_answered else _(STATE_WORDS[row.state]))


REFUSED_WORDS = {
    "too_early": "那时签到还没开始。", "too_late": "那时签到已经结束。", "not_confirmed": "这个报名没有名额（候补或待确认）。",
    "foreign": "报的是另一场，或别的活动。", "too_many": "人数超过一次能登记的。", "cancelled": "这个报名已经取消。",
    "activity_closed": "收到的时候，活动没有在办。",
}  # fmt: skip


@bp.get("")
@requires(Action.CHECK_IN)
def list_open(code: str) -> Response:
    """Those that wait first, then the latest decided."""
    return _page(code)


def _page(code: str, *, wrong: str = "", error: str = "", status: int = 200) -> Response:
    """`wrong` is the held scan, or the phone, that was refused just now."""
    activity = load_activity(code, Action.CHECK_IN)
    session = db.session()
    total = gate_of(session, activity.id, now=now()).held
    page = Page(min(asked_page(), max(1, -(-total // PAGE_SIZE))), PAGE_SIZE, total)
    rows = list_held(session, activity.id, limit=PAGE_SIZE, offset=(page.number - 1) * PAGE_SIZE)
    done = list_held(session, activity.id, states=DECIDED, limit=30)
    settled = list_held(session, activity.id, states=DECIDED, code=wrong, limit=1) if wrong else []
    known = [(row.registration_id, row.is_party) for row in (*rows, *done, *settled) if row.registration_id]
    names = labels_of(session, [each for each, _is_party in known], activity.id)
    names |= names_of_parties(session, [each for each, is_party in known if is_party])
    return render(
        "console/held.html", activity=activity, rows=rows, page=page, done=done, settled=settled, who=_deciders(done + settled),
        names=names, label=label_of_held, facts=known_facts, wrong=wrong, error=error,
        lots=lots_of(session, activity.id), state=word_of_state, several=len(activity.sessions) > 1, status=status,
        stop=_stop(activity), reasons=STOP_WORDS, typed=request.form.get("people", "")[:6],
    )  # fmt: skip


def _stop(activity: Activity) -> str:
    """Why nothing at all can count now; of a cancelled activity, what was scanned before the cancelling may."""
    is_called_off = activity.cancelled_at is not None
    return "" if is_called_off else stopped_by(activity.state, activity.review_state)


def _deciders(rows: Sequence[HeldRow]) -> dict[str, str]:
    """By whom each of these was decided, as a role; by the code of the row."""
    roles = roles_of(db.session(), [row.decided_by_id for row in rows if row.decided_by_id])
    own = current_actor().user_id
    return {
        row.code: _("您") if row.decided_by_id == own else roles.get(row.decided_by_id or 0, "") or _("系统")
        for row in rows
        if row.state != HeldState.WITHDRAWN.value
    }


@bp.post("/phones/<phone>")
@requires(Action.CHECK_IN)
def count_lot(code: str, phone: str) -> Response:
    """作废前扫的，都算到场."""
    try:
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.CHECK_IN)
            grant = get_phone(tx, activity.id, phone)
            records, people = count_before_revoked(tx, activity, grant, actor=current_actor(), now=now())
    except Conflict as refused:
        return _refused(code, phone, refused)
    flash(_("已处理%(records)s条，算到场%(people)s人；已经在的没有重复计数。", records=records, people=people), "good")
    return redirect(url_for("held.list_open", code=code), 303)


@bp.post("/<held_code>")
@requires(Action.CHECK_IN)
def decide(code: str, held_code: str) -> Response:
    """算到场 (of a class: so many more, or so many altogether) or 不算."""
    verb, said = request.form.get("verb", ""), asked_number("people")
    if "people" in request.form and not said:
        said = -1  # a class's number that cannot be; who is no class is asked for none
    try:
        people = _decide_once(code, held_code, verb, said or 0)
    except (RuleBroken, Conflict) as refused:
        return _refused(code, held_code, refused)
    if verb == "dismiss":
        flash(_("没有计入。记录还在，随时查得到。"), "good")
    elif people:
        flash(_("已算到场，%(n)s人。", n=people), "good")
    else:
        flash(_("这位已经签到过，没有重复计数。"), "good")
    return redirect(url_for("held.list_open", code=code, page=asked_page()), 303)


def _refused(code: str, wrong: str, refused: RuleBroken | Conflict) -> Response:
    """The page again with the true words where the button was."""
    db.session.rollback()
    words = _(refused.message)
    if isinstance(refused, Conflict):
        words = _("%(why)s没有算，也没有改动，还留在待核实里。", why=words)
    return _page(code, wrong=wrong, error=words, status=status_of(refused))


def _decide_once(code: str, held_code: str, verb: str, said: int) -> int:
    """As `_decide`; where another wrote the same at the same moment, it looks again and finds what was decided."""
    try:
        return _decide(code, held_code, verb, said)
    except (IntegrityError, StaleDataError):
        db.session.rollback()
        return _decide(code, held_code, verb, said)


def _decide(code: str, held_code: str, verb: str, said: int) -> int:
    """The people who count by it."""
    actor, moment = current_actor(), now()
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        held = find_held(tx, activity.id, held_code)
        if held is None:
            raise NotFound("没有找到这一条，可能已经处理。")
        if verb not in ("count", "whole", "dismiss"):
            raise Conflict("form", "没有处理，请刷新页面再办。")
        if verb == "dismiss":
            dismiss_held(tx, activity, held, actor=actor, now=moment)
            return 0
        return count_held(tx, activity, held, actor=actor, now=moment, people=said, is_whole=verb == "whole")
