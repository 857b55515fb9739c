"""The log's pages: filters, one entry opened, verify, export."""

from __future__ import annotations

import io
import tempfile
import zipfile
from datetime import timedelta
from pathlib import Path

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.audit.actions import ACTIONS
from app.audit.checkpoint import make_checkpoint, verify_signed_log
from app.audit.folder import write_folder
from app.audit.log import record
from app.audit.models import AuditEntry
from app.audit.queries import (
    LogFilter,
    checkpoint_notes,
    latest_checkpoint,
    list_entries,
    open_entry,
    stream_links,
)
from app.checkin.digest import verify_digests
from app.checkin.sealing import Checked
from app.extensions import db
from app.kernel.actor import ROLE_LABELS, Role
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.text import one_line
from app.organisation.permissions import Action
from app.organisation.queries import unit_names
from app.web.access import current_actor, keys, requires
from app.web.audit_words import field_word, value_words
from app.web.paging import Page, asked_page
from app.web.rendering import render, staff_page

bp = Blueprint("audit", __name__, url_prefix="/audit")
PAGE_SIZE = 30
PERIODS = {"1": "最近一天", "7": "最近7天", "31": "最近31天", "": "全部时间"}
ROLES = {role.value: ROLE_LABELS[role] for role in Role} | {"system": "系统"}
OBJECT_WORDS = {
    "user": "账号", "unit": "单位", "plan": "实施方案", "target": "目标", "activity": "活动", "programme": "系列活动",
    "registration": "报名", "check_in": "签到", "evidence": "材料", "case": "送审件", "note": "工作进展",
    "establishment": "建设项目", "ledger": "台账", "audit": "日志",
}  # fmt: skip


@bp.before_request
def _mark() -> None:
    staff_page()


def who_did(entry: AuditEntry, names: dict[int, str]) -> str:
    """Unit and roles of the acting person; an account's name is not needed to read the log."""
    if entry.actor_kind != "user":
        return {"system": "系统", "participant": "参与者", "device": "签到员手机"}.get(entry.actor_kind, "访客")
    places = [part for part in entry.actor_unit.split("/") if part]
    unit = names.get(int(places[-1]), "") if places else ""
    roles = "、".join(ROLES.get(role, role) for role in entry.role.split(",") if role)
    return "，".join(part for part in (unit, roles) if part)


@bp.get("")
@requires(Action.AUDIT_READ)
def index() -> Response:
    """The log, newest first, with filters; `?open=` shows one entry's before and after."""
    period = request.args.get("period", "7")
    days = int(period) if period in ("1", "7", "31") else 0
    wanted = LogFilter(
        since=now() - timedelta(days=days) if days else None,
        action=request.args.get("action", ""),
        role=request.args.get("role", "") if request.args.get("role", "") in ROLES else "",
        object_code=one_line(request.args.get("object", ""))[:40],
    )
    number = asked_page()
    rows, total = list_entries(db.session(), wanted, page=number, size=PAGE_SIZE)
    opened_seq = request.args.get("open", "")
    is_number = opened_seq.isascii() and opened_seq.isdigit() and len(opened_seq) < 10
    opened = open_entry(db.session(), int(opened_seq)) if is_number else None
    names = unit_names(db.session())
    return render(
        "audit/index.html",
        rows=rows,
        page=Page(number, PAGE_SIZE, total),
        opened=opened,
        names=names,
        who_did=who_did,
        field_word=field_word,
        value_words=value_words,
        actions=ACTIONS,
        roles=ROLES,
        periods=PERIODS,
        period=period,
        object_words=OBJECT_WORDS,
        wanted=wanted,
        checkpoint=latest_checkpoint(db.session()),
    )


@bp.post("/verify")
@requires(Action.AUDIT_READ)
def verify() -> Response:
    """Read the whole chain now, compute the digests of check-ins anew, and write down that it was done."""
    verdict = verify_signed_log(db.session(), keys().log_key)
    sealed = verify_digests(db.session()) if verdict.holds else Checked(0)
    with transaction(db.session) as tx:
        record(
            tx, "audit.verified", actor=current_actor(), object_type="audit", object_code="log", now=now(),
            payload={"count": verdict.count, "holds": verdict.holds and sealed.misfit is None},
        )  # fmt: skip
    if not verdict.holds:
        flash(
            _("第%(seq)s条不对：%(why)s。它前面的%(n)s条都完好。请保留现场，联系系统管理员。",
              seq=verdict.bad_seq, why=verdict.reason, n=verdict.count), "bad",
        )  # fmt: skip
    elif sealed.misfit is not None:
        flash(
            _("签到记录和第%(seq)s条的封存摘要不符：%(why)s。日志的链是完整的。请保留现场，联系系统管理员。",
              seq=sealed.misfit.sealed.seq, why=sealed.misfit.words), "bad",
        )  # fmt: skip
    else:
        flash(
            _("链完整：%(n)s条，从头核到尾，0处断开；封存的%(m)s场签到记录全部相符。",
              n=f"{verdict.count:,}", m=f"{sealed.sessions:,}"), "good",
        )  # fmt: skip
    return redirect(url_for("audit.index"))


@bp.post("/export")
@requires(Action.AUDIT_READ)
def export() -> Response:
    """The log and its checkpoints as a zip; `flask audit verify FOLDER` checks it anywhere."""
    moment = now()
    with transaction(db.session) as tx:
        row = make_checkpoint(tx, keys().log_key, now=moment) or latest_checkpoint(tx)
        count = row.size if row else 0
        record(
            tx, "audit.exported", actor=current_actor(), object_type="audit", object_code="log", now=moment,
            payload={"count": count},
        )  # fmt: skip
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, stream_links(db.session()), checkpoint_notes(db.session()))
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
    buffer.seek(0)
    return send_file(
        buffer, mimetype="application/zip", as_attachment=True, download_name=f"审计日志-{moment:%Y%m%d}.zip"
    )
