"""待核实: what phones recorded and does not fit, both facts side by side, one press each."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.checkin.answers import labels_of
from app.checkin.deciding import count_before_revoked, count_held, dismiss_held
from app.checkin.devices import get_phone
from app.checkin.held import HeldRow, find_held, list_held, lots_of
from app.checkin.models import HeldState
from app.checkin.rules import HELD_LABELS
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound
from app.organisation.permissions import Action
from app.web.access import current_actor, load_activity, requires
from app.web.rendering import clock_text, render, staff_page

bp = Blueprint("held", __name__, url_prefix="/activities/<code>/held")
DECIDED = (HeldState.COUNTED, HeldState.NOT_COUNTED, HeldState.WITHDRAWN)
STATE_WORDS = {"counted": "算到场", "not_counted": "不算", "withdrawn": "签到员已撤回"}


@bp.before_request
def _mark() -> None:
    staff_page()


def known_fact(row: HeldRow) -> str:
    """What the system knows that speaks against the scan."""
    if row.reason == "unknown":
        return str(_("名单里没有这个报名码。名单补上以后，会自动算到场。"))
    if row.is_claim:
        return str(_("从没有校验过的交接文件里读来的，谁都可能改过。问过签到员，属实就算，按“清点/补录”计。"))
    if row.is_again:
        return str(_("同一条已从交接文件读入，并算了到场；再算就重了。"))
    if row.reason == "revoked":
        until = row.device_until or row.received_at
        if row.at < until and not row.is_revoked:
            return str(_("这部手机没有配这一场，配的是别的场。"))
        return str(_("这部手机%(time)s已作废或到期。", time=clock_text(until)))
    if row.reason == "impossible_time":
        return str(
            _("%(time)s才收到；手机的钟说的时间早于配对，或晚于收到，不可能。", time=clock_text(row.received_at))
        )
    if row.reason == "cancelled":
        at = clock_text(row.cancelled_at) if row.cancelled_at else ""
        return str(_("这个报名%(time)s已经取消。", time=at))
    if row.reason == "sealed":
        return str(_("%(time)s收到时，活动已提交审核。先撤回送审，才能算到场。", time=clock_text(row.received_at)))
    return str(_(REFUSED_WORDS.get(row.outcome, "按签到规则不能算。")))


def label_of_held(row: HeldRow) -> str:
    """Why it waits, in a word."""
    if row.is_again:
        return str(_("已从文件算过"))
    return str(_("交接文件没有校验过") if row.is_claim else _(HELD_LABELS[row.reason]))


REFUSED_WORDS = {
    "too_early": "那时签到还没开始。", "too_late": "那时签到已经结束。", "not_confirmed": "这个报名没有名额（候补或待确认）。",
    "foreign": "报的是另一场，或别的活动。", "too_many": "人数超过一次能登记的。", "cancelled": "这个报名已经取消。",
}  # fmt: skip


@bp.get("")
@requires(Action.CHECK_IN)
def list_open(code: str) -> Response:
    """Those that wait first, then the latest decided."""
    activity = load_activity(code, Action.CHECK_IN)
    session = db.session()
    rows = list_held(session, activity.id)
    names = labels_of(session, [row.registration_id for row in rows if row.registration_id], activity.id)
    return render(
        "console/held.html", activity=activity, rows=rows, names=names,
        done=list_held(session, activity.id, states=DECIDED, limit=30), label=label_of_held, fact=known_fact,
        lots=lots_of(session, activity.id), states=STATE_WORDS, several=len(activity.sessions) > 1,
    )  # fmt: skip


@bp.post("/phones/<phone>")
@requires(Action.CHECK_IN)
def count_lot(code: str, phone: str) -> Response:
    """作废前扫的，都算到场."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        grant = get_phone(tx, activity.id, phone)
        records, people = count_before_revoked(tx, activity, grant, actor=current_actor(), now=now())
    flash(_("已处理%(records)s条，算到场%(people)s人；已经在的没有重复计数。", records=records, people=people), "good")
    return redirect(url_for("held.list_open", code=code), 303)


@bp.post("/<held_code>")
@requires(Action.CHECK_IN)
def decide(code: str, held_code: str) -> Response:
    """算到场 or 不算."""
    verb, actor, moment = request.form.get("verb", ""), current_actor(), now()
    people = 0
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        held = find_held(tx, activity.id, held_code)
        if held is None:
            raise NotFound("没有找到这一条，可能已经处理。")
        if verb not in ("count", "dismiss"):
            raise Conflict("form", "没有处理，请刷新页面再办。")
        if verb == "count":
            people = count_held(tx, activity, held, actor=actor, now=moment)
        else:
            dismiss_held(tx, activity, held, actor=actor, now=moment)
    if verb == "dismiss":
        flash(_("没有计入。记录还在，随时查得到。"), "good")
    elif people:
        flash(_("已算到场，%(n)s人。", n=people), "good")
    else:
        flash(_("这位已经签到过，没有重复计数。"), "good")
    return redirect(url_for("held.list_open", code=code), 303)
