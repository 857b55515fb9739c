"""读入交接文件 on the console: choose or paste it, see in words what is in it, one press."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from pydantic import ValidationError
from werkzeug.wrappers import Response

from app.activities.models import Activity
from app.checkin.clocks import Sent
from app.checkin.deciding import resolve_unknown
from app.checkin.handing_in import Due, HandedFile, HandedScan, look_through, note_handed_in
from app.checkin.models import DeviceGrant
from app.checkin.offline import take_scan
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, Problem, RuleBroken
from app.organisation.permissions import Action
from app.web import scan_shapes as shapes
from app.web.access import current_actor, keys, load_activity, requires
from app.web.console.blueprint import bp, current_row
from app.web.rendering import render

log = logging.getLogger("shiliu.scan")
BYTES_MOST = 450_000  # what is pasted has to go through a form of 512 kB
SCANS_MOST = 1000
LASTS_SECONDS = 2 * 3600
NOTHING = "什么都没有读入。"
NOT_ONE = "这不是签到员手机存下的交接文件，什么都没有读入。文件名以“scan-”开头，结尾是“.json”或“.txt”。"
CUT_OFF = "交接文件不完整，多半是复制时少了一截。什么都没有读入，请让签到员再给一次。"


@bp.get("/handover")
@requires(Action.CHECK_IN)
def handover_form(code: str) -> Response:
    """Where the file is chosen or its text pasted."""
    return _form(load_activity(code, Action.CHECK_IN))


def _form(activity: Activity, error: str = "", status: int = 200, text: str = "") -> Response:
    row = current_row(activity, now())
    return render(
        "console/handover.html", activity=activity, row=row, error=error, text=text, status=status
    )  # fmt: skip


@bp.post("/handover")
@requires(Action.CHECK_IN)
def handover_preview(code: str) -> Response:
    """What is in it and what would become of it; nothing is written."""
    activity = load_activity(code, Action.CHECK_IN)
    pasted = request.form.get("text", "")
    try:
        text = _text_of(pasted)
        looked = look_through(db.session(), activity, read_file(text), keys=keys())
    except DomainError as error:
        return _form(activity, _(error.message), 422, pasted)
    return render(
        "console/handover_preview.html", activity=activity, row=current_row(activity, now()), looked=looked,
        draft=_serializer(activity).dumps([current_actor().user_code, text]),
    )  # fmt: skip


@bp.post("/handover/confirm")
@requires(Action.CHECK_IN)
def handover_take(code: str) -> Response:
    """Store what is new in it, each scan by itself as if a phone sent it."""
    activity = load_activity(code, Action.CHECK_IN)
    try:
        file = read_file(_draft(activity))
        looked = look_through(db.session(), activity, file, keys=keys())
    except DomainError as error:
        return _form(activity, _(error.message), 422)
    if not looked.due:
        flash(_("里面的都已经在系统里，什么都没有变。"), "warn")
        return redirect(url_for("console.list_paired", code=code), 303)
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        resolve_unknown(tx, now=now(), activity_id=activity.id)
        note_handed_in(tx, activity, looked, actor=current_actor(), now=now())
    told = Counter(_take(due, file.sent) for due in looked.due)
    flash(_words(told), "bad" if told["lost"] or told["full"] else "good")
    return redirect(url_for("held.list_open" if told["held"] else "console.list_paired", code=code), 303)


def _take(due: Due, sent: Sent) -> str:
    """`counted`, `held`, `other`, `full` or `lost`: one transaction each, so that a bad one never holds the others."""
    try:
        with transaction(db.session) as tx:
            grant = tx.get_one(DeviceGrant, due.grant_id)
            answer = take_scan(tx, due.scan, sent=sent, grant=grant, keys=keys(), now=now(), handed=due.handed)
    except Exception:  # the file is still there to be read once more
        log.exception("a handed scan was not stored")
        return "lost"
    if not answer.stored:  # its session and phone are of this activity, so what is left is too much in 待核实
        return "full"
    if answer.outcome == "accepted":
        return "counted"
    return "held" if answer.outcome in ("unknown", "quarantined", "conflict") else "other"


def _words(told: Counter[str]) -> str:
    parts = [
        _("计入%(n)s条", n=told["counted"]) if told["counted"] else "",
        _("待核实%(n)s条", n=told["held"]) if told["held"] else "",
        _("重复或撤销%(n)s条", n=told["other"]) if told["other"] else "",
    ]
    done = "，".join(str(part) for part in parts if part)
    read = f"{_('已读入：')}{done}。" if done else ""
    if told["full"]:
        read += _("有%(n)s条没有收下，这部手机的待核实太多：先处理一些，再读一次同一个文件。", n=told["full"])
    if told["lost"]:
        read += _("有%(n)s条没有收下，系统正忙。请再读一次同一个文件，不会多算。", n=told["lost"])
    return read


def _text_of(pasted: str) -> str:
    """The chosen file's text, else what was pasted. Raises RuleBroken."""
    upload = request.files.get("file")
    raw = upload.stream.read(BYTES_MOST + 1) if upload is not None and upload.filename else pasted.encode()
    if not raw.strip():
        raise _problem("还没有选文件，也没有粘贴文字。")
    if len(raw) > BYTES_MOST:
        raise _problem(f"文件太大，交接文件不会超过{BYTES_MOST // 1000}KB。{NOTHING}")
    try:
        return raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise _problem(NOT_ONE) from None


def read_file(text: str) -> HandedFile:
    """The file as it was typed, its shape checked as that of the sync. Raises RuleBroken in words."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _problem(CUT_OFF if '"shiliu-scan"' in text[:200] else NOT_ONE) from None
    try:
        file = shapes.HandedFileIn.model_validate(found)
        body = shapes.HandedBodyIn.model_validate_json(file.body)
    except (ValidationError, RecursionError):
        is_ours = isinstance(found, dict) and found.get("kind") == "shiliu-scan"
        raise _problem(CUT_OFF if is_ours else NOT_ONE) from None
    listed = [*body.events, *body.refused]
    if not listed:
        raise _problem(f"交接文件里一条记录也没有。{NOTHING}")
    if len(listed) > SCANS_MOST:
        raise _problem(f"一个交接文件最多{SCANS_MOST}条，这里有{len(listed)}条。{NOTHING}")
    scans = [scan for raw in listed if (scan := _scan(raw)) is not None]
    return HandedFile(
        device=file.device, body=file.body, seal=file.seal, sent=Sent(body.made_at, body.mono, body.life),
        ahead=body.ahead, scans=scans, unreadable=len(listed) - len(scans),
    )  # fmt: skip


def _scan(raw: Any) -> HandedScan | None:
    scan = shapes.read_scan(raw)
    if scan is None:
        return None
    try:
        return HandedScan(scan, shapes.HandedEventIn.model_validate(raw).device)
    except ValidationError:
        return HandedScan(scan, "")


def _problem(words: str) -> RuleBroken:
    return RuleBroken(Problem("handover", words))


def _serializer(activity: Activity) -> URLSafeTimedSerializer:
    rings = [*current_app.config.get("SECRET_KEY_FALLBACKS", ()), current_app.config["SECRET_KEY"]]
    return URLSafeTimedSerializer(rings, salt=f"handover.{activity.code}")


def _draft(activity: Activity) -> str:
    """The text that was looked at, by this very person. Raises RuleBroken."""
    try:
        whose, text = _serializer(activity).loads(request.form.get("draft", ""), max_age=LASTS_SECONDS)
    except BadData:
        whose, text = "", ""
    if not text or whose != current_actor().user_code:
        raise _problem("预览放得太久，或者没有传完整。什么都没有读入，请重新选文件。")
    return str(text)
