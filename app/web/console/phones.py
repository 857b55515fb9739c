"""签到员手机 on the console: the pairing code, the list with what still waits on each, revoking; the sheet for bad network."""

from __future__ import annotations

from datetime import datetime

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.checkin.devices import count_revoked, get_phone, list_phones, pairing_key, pairing_pin, revoke_device
from app.checkin.doors import window_of
from app.checkin.rules import stopped_by
from app.exports.qr import matrix as qr_matrix
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.permissions import Action
from app.web.access import current_actor, keys, load_activity, requires, settings
from app.web.console.blueprint import bp, current_row
from app.web.rendering import render

TROUBLE_WORDS = {"revoked": "已作废", "ended": "已结束", "expired": "已到期"}
NO_PAIRING = {
    "cancelled": "活动已取消，不再配对手机。", "draft": "活动发布以后才能配对。", "closed": "活动已办结，不再配对手机。",
    "under_review": "已提交审核，签到记录已封存，不再配对手机。", "approved": "已通过审核，签到记录已封存，不再配对手机。",
}  # fmt: skip
FRAGMENT = "console/_phones.html"


def _pairing_address(row: ActivitySession, every: bool, moment: datetime, revoked: int) -> str:
    """What the QR says: it pairs, so it holds ten to twenty minutes only."""
    key = pairing_key(keys(), row.code, all_sessions=every, now=moment, revoked=revoked)
    return f"{settings().base_url}{url_for('scan.ask_pair', s=row.code, a=int(every), k=key)}"


def seen_words(at: datetime | None, moment: datetime) -> str:
    """How long ago a phone was last heard of."""
    if at is None:
        return str(_("还没有联系过"))
    minutes = int((moment - at).total_seconds() // 60)
    if minutes < 2:  # an idle phone tells once a minute
        return str(_("刚刚联系过"))
    if minutes < 60:
        return str(_("%(n)s分钟前联系过", n=minutes))
    return str(_("%(n)s小时前联系过", n=minutes // 60))


@bp.get("/phones")
@requires(Action.CHECK_IN)
def list_paired(code: str) -> Response:
    """QR and digits to pair with, and the phones. `?all=1` pairs for every session; `?part=phones` is the fragment."""
    activity, moment = load_activity(code, Action.CHECK_IN), now()
    row = current_row(activity, moment)
    every = len(activity.sessions) > 1 and request.args.get("all") == "1"
    is_part = request.headers.get("HX-Request") == "true" and request.args.get("part") == "phones"
    revoked = count_revoked(db.session(), [activity.id])[activity.id]
    pin = pairing_pin(keys(), row.code, all_sessions=every, now=moment, revoked=revoked)
    return render(
        FRAGMENT if is_part else "console/phones.html", activity=activity, row=row, every=every, pin=pin,
        matrix=qr_matrix(_pairing_address(row, every, moment, revoked)), phones=list_phones(db.session(), activity.id, now=moment),
        seen=lambda at: seen_words(at, moment), troubles=TROUBLE_WORDS,
        no_pairing=NO_PAIRING.get(stopped_by(activity.state, activity.review_state) or activity.state, ""),
    )  # fmt: skip


@bp.get("/phones/<phone>/revoke")
@requires(Action.CHECK_IN)
def ask_revoke(code: str, phone: str) -> Response:
    """What revoking does, first."""
    activity = load_activity(code, Action.CHECK_IN)
    grant = get_phone(db.session(), activity.id, phone)
    return render("console/revoke.html", activity=activity, grant=grant, seen=seen_words(grant.last_seen_at, now()))


@bp.post("/phones/<phone>/revoke")
@requires(Action.CHECK_IN)
def revoke(code: str, phone: str) -> Response:
    """From now on it scans nothing that counts by itself."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        grant = get_phone(tx, activity.id, phone)
        revoke_device(tx, grant, activity, actor=current_actor(), now=now())
        label = grant.label
    flash(_("“%(label)s”已作废。从现在起它交上来的都进“待核实”，由您决定。配对码也换了新的。", label=label), "good")
    return redirect(url_for("console.list_paired", code=code), 303)


@bp.get("/no-network")
@requires(Action.CHECK_IN)
def no_network(code: str) -> Response:
    """A page to print and lay on the desk."""
    activity: Activity = load_activity(code, Action.CHECK_IN)
    row = current_row(activity, now())
    opens, closes = window_of(activity, row)
    return render("console/no_network.html", activity=activity, row=row, opens=opens, closes=closes)
