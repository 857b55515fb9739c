"""/api/v1/scan: what paired phones ask and send (docs/check-in.md); every event is answered by itself."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request
from pydantic import ValidationError
from spectree import Response as Answers
from werkzeug.exceptions import HTTPException

from app.checkin.answers import Answer
from app.checkin.clocks import Sent
from app.checkin.deciding import resolve_unknown
from app.checkin.devices import end_device, find_grant, handover_key, note_seen, trouble_of
from app.checkin.doors import window_of
from app.checkin.models import DeviceGrant
from app.checkin.offline import Scan, take_scan
from app.checkin.scan_roster import ScanRoster, read_scan_roster
from app.extensions import csrf, db
from app.kernel.actor import DEVICE
from app.kernel.clock import now
from app.kernel.database import transaction
from app.web import scan_shapes as shapes
from app.web.access import keys, public
from app.web.api import spec
from app.web.paired import device_secret, forget_device

bp = Blueprint("scan_api", __name__, url_prefix="/api/v1/scan")
# A phone may hold no session and so no token; the JSON type, the Origin check and SameSite=Lax stand in its place.
csrf.exempt(bp)
log = logging.getLogger("shiliu.scan")

BODY_MOST = 128 * 1024
TROUBLE = {
    "unpaired": "这部手机还没有配对，或者配对已清除。请看控制台上的配对码。",
    "revoked": "这部手机已被作废，请找主办单位重新配对。",
    "ended": "这部手机已经结束签到。要继续，请重新配对。",
    "expired": "这部手机的配对已到期。要继续，请重新配对。",
}
_ERRORS = {"HTTP_401": shapes.ErrorOut}


class _Refused(Exception):
    """An answer that ends the request."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(error)
        self.status, self.error, self.message = status, error, message


@bp.errorhandler(_Refused)
def refused(problem: _Refused) -> Response:
    """As JSON: a script reads it."""
    return make_response(jsonify(error=problem.error, message=problem.message), problem.status)


@bp.errorhandler(HTTPException)
def http_problem(problem: HTTPException) -> Response:
    """The same for what the server refuses before us."""
    words = "这一批没有收下，记录都还在手机里。"
    return make_response(jsonify(error="not_taken", message=words), problem.code or 500)


def _secret() -> str:
    """The secret that this request carries: of a program, else of the paired browser."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else device_secret()


def _grant(moment: datetime, *, must_hold: bool) -> DeviceGrant:
    grant = find_grant(db.session(), _secret())
    if grant is None:
        raise _Refused(401, "unpaired", TROUBLE["unpaired"])
    trouble = trouble_of(grant, moment)
    if trouble and must_hold:
        raise _Refused(401, trouble, TROUBLE[trouble])
    return grant


@bp.get("/roster")
@public
@spec.validate(resp=Answers(HTTP_200=shapes.RosterOut, HTTP_304=None, **_ERRORS), tags=["scan"], skip_validation=True)
def roster() -> Response:
    """Hashes of the tickets and masked names, for as long as the pairing holds."""
    moment = now()
    grant = _grant(moment, must_hold=True)
    body = _roster_out(read_scan_roster(db.session(), grant, now=moment), grant, moment).model_dump(mode="json")
    stable = {name: value for name, value in body.items() if name not in ("issued_at", "server_now")}
    response = make_response(jsonify(body))
    response.set_etag(sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    response.headers["Cache-Control"] = "no-store"
    return response


def _roster_out(found: ScanRoster, grant: DeviceGrant, moment: datetime) -> shapes.RosterOut:
    windows = {row.code: window_of(found.activity, row) for row in found.rows}
    tickets = []
    for ticket in found.tickets:
        at, here = ticket.here.get(ticket.session or found.current.code, (None, 0))
        tickets.append(
            shapes.TicketOut(
                h=ticket.hash, n=ticket.shown, people=ticket.people, kind=ticket.kind, s=ticket.session,
                state=ticket.state, at=at, here=here,
                sessions={code: shapes.HereOut(at=when, here=n) for code, (when, n) in ticket.here.items()},
            )
        )  # fmt: skip
    activity = found.activity
    return shapes.RosterOut(
        device=shapes.DeviceOut(
            code=grant.code, label=grant.label, expires_at=grant.expires_at, seal=handover_key(keys(), grant.code)
        ),
        activity=shapes.PracticeOut(code=activity.code, title=activity.title, is_practice=activity.is_practice),
        sessions=[
            shapes.SessionOut(
                code=row.code, label=row.label, starts_at=row.starts_at, ends_at=row.ends_at,
                opens_at=windows[row.code][0], closes_at=windows[row.code][1],
            )
            for row in found.rows
        ],
        current=found.current.code, issued_at=moment, server_now=_ms(moment), tickets=tickets,
        takes_walk_in=activity.takes_walk_in,
    )  # fmt: skip


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _body() -> dict[str, Any]:
    """The JSON object of the body. Raises _Refused."""
    if request.mimetype != "application/json":
        raise _Refused(415, "type", "只收 JSON。")
    request.max_content_length = BODY_MOST
    try:
        found = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError):
        raise _Refused(400, "json", "这一批读不出来，记录都还在手机里。") from None
    if not isinstance(found, dict):
        raise _Refused(400, "json", "这一批读不出来，记录都还在手机里。")
    return found


@bp.post("/events")
@public
@spec.validate(
    json=shapes.EventsIn,
    resp=Answers(
        HTTP_200=shapes.AnswersOut, HTTP_400=shapes.ErrorOut, HTTP_413=shapes.ErrorOut, HTTP_415=shapes.ErrorOut,
        **_ERRORS,
    ),
    tags=["scan"], skip_validation=True,
)  # fmt: skip
def events() -> Response:
    """At most 50 events, each stored in a transaction of its own, so that a bad one never holds the others.

    Also from a phone whose pairing has ended: what it scanned before still comes in, the rest is held (待核实).
    """
    grant = _grant(now(), must_hold=False)
    body = _body()
    try:
        envelope = shapes.EnvelopeIn.model_validate(body)
    except ValidationError:
        raise _Refused(400, "envelope", "这一批不完整，记录都还在手机里。") from None
    listed = body.get("events")
    if not isinstance(listed, list) or len(listed) > shapes.BATCH:
        raise _Refused(400, "envelope", f"一批最多{shapes.BATCH}条，记录都还在手机里。")
    sent = Sent(envelope.sent_at, envelope.sent_mono, envelope.life)
    grant_id, activity_id, trouble = grant.id, grant.activity_id, trouble_of(grant, now())
    scans = [shapes.read_scan(raw) for raw in listed]
    with transaction(db.session) as tx:
        resolve_unknown(tx, now=now(), activity_id=activity_id)
    # In the order in which the phone made them, whatever order they came in: an undo follows its scan.
    order = sorted(range(len(scans)), key=lambda place: found.counter if (found := scans[place]) else 0)
    answers: dict[int, Answer] = {}
    for place in order:
        scan = scans[place]
        answers[place] = _take(scan, sent, grant_id) if scan else _unreadable(listed[place])
    # What the phone is about to forget waits there no more; told last, so that a crash in between says too many.
    left = max(0, envelope.waiting - sum(answer.outcome != "retry" for answer in answers.values()))
    with transaction(db.session) as tx:
        note_seen(tx, grant_id, waiting=left, now=now())
    out = [shapes.AnswerOut.model_validate(answers[place], from_attributes=True) for place in range(len(scans))]
    told = shapes.AnswersOut.model_validate(
        {"server_now": _ms(now()), "answers": out, "trouble": trouble, "message": TROUBLE.get(trouble, "")}
    )
    return jsonify(told.model_dump(mode="json"))


def _unreadable(raw: Any) -> Answer:
    uid = str(raw.get("uid", ""))[:40] if isinstance(raw, dict) else ""
    return Answer(uid, False, "refused", "red", "这条记录不完整，交不上来。请把文件交给主办单位。")


def _take(scan: Scan, sent: Sent, grant_id: int) -> Answer:
    try:
        with transaction(db.session) as tx:
            return take_scan(tx, scan, sent=sent, grant=tx.get_one(DeviceGrant, grant_id), keys=keys(), now=now())
    except Exception:  # whatever it was, the phone keeps this event and the others go on
        log.exception("a scan was not stored")
        return Answer(scan.uid, False, "retry", "amber", "系统正忙，这条记录还在手机里，会自动再交。")


@bp.post("/end")
@public
@spec.validate(
    json=shapes.EndIn,
    resp=Answers(
        HTTP_200=shapes.EndOut, HTTP_400=shapes.ErrorOut, HTTP_409=shapes.ErrorOut, HTTP_413=shapes.ErrorOut,
        HTTP_415=shapes.ErrorOut, **_ERRORS,
    ),
    tags=["scan"], skip_validation=True,
)  # fmt: skip
def end() -> Response:
    """The shift is over: the grant ends, the cookie goes; the page wipes the phone."""
    moment = now()
    grant = _grant(moment, must_hold=False)
    try:
        asked = shapes.EndIn.model_validate(_body())
    except ValidationError:
        raise _Refused(400, "envelope", "没有办成，请再试一次。") from None
    waiting = grant.waiting if asked.waiting is None else asked.waiting
    if waiting and not asked.force:
        raise _Refused(409, "waiting", f"还有{waiting}条没有同步。请等同步完，或把文件交给主办单位。")
    with transaction(db.session) as tx:
        own = tx.get_one(DeviceGrant, grant.id)
        own.waiting = waiting
        end_device(tx, own, actor=DEVICE, now=moment)
    response = jsonify(ended=True)
    forget_device(response)
    return response
