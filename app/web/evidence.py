"""The organizer's evidence page, uploads, pictures served with an access check."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.activities.kinds import KINDS
from app.activities.models import Activity
from app.evidence import service
from app.evidence.models import EvidenceItem, EvidenceState
from app.evidence.photo_process import BYTES_MOST, PhotoRefused, photo_process
from app.evidence.publishing import list_asked
from app.evidence.queries import get_item, list_matches, shares_match, slots_of
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, NotFound
from app.organisation.models import Unit
from app.organisation.permissions import Action, may, may_at
from app.review.freeze import count_activity
from app.web.access import current_actor, load_activity, requires, settings, signed_in
from app.web.rendering import render, staff_page

bp = Blueprint("evidence", __name__)
FILES_MOST = 9


def storage() -> LocalStorage:
    return LocalStorage(settings().storage_root)


@bp.get("/activities/<code>/evidence")
@requires(Action.EVIDENCE_READ)
def index(code: str) -> Response:
    """Slots with progress, photos, doubts, the two questions about the set."""
    return evidence_page(code)


def evidence_page(code: str, *, status: int = 200, wrong: str = "", problem: str = "", typed: str = "") -> Response:
    """The page, after a refusal with the sentence beside the photo it is about."""
    staff_page()
    activity = load_activity(code, Action.EVIDENCE_READ)
    host = db.session.get_one(Unit, activity.host_unit_id)
    views = slots_of(db.session(), activity)
    may_decide = may_at(current_actor(), Action.EVIDENCE_EDIT, host.path)
    return render(
        "evidence/index.html",
        status=status,
        wrong=wrong,
        problem=problem,
        typed=typed,
        asked=list_asked(db.session(), activity),
        may_decide=may_decide,
        activity=activity,
        kind=KINDS[activity.kind],
        slots=views,
        matches=list_matches(db.session(), activity),
        counts=count_activity(db.session(), activity.id),
        missing=sum(1 for view in views if view.missing),
        may_edit=may_decide and activity.review_state in ("not_submitted", "returned"),
    )


@bp.post("/activities/<code>/evidence/photos/<slot>")
@requires(Action.EVIDENCE_EDIT)
def upload(code: str, slot: str) -> Response:
    """Up to nine pictures at once; each is taken or refused by itself, in words."""
    activity = load_activity(code, Action.EVIDENCE_EDIT)
    service.slot_of(activity, slot)
    files = [file for file in request.files.getlist("photos") if file.filename][:FILES_MOST]
    if not files:
        flash(_("没有选照片。点“选照片”再上传。"), "warn")
    taken = 0
    for file in files:
        name = file.filename or ""
        try:
            photo = photo_process.convert(file.stream.read(BYTES_MOST + 1))
            with transaction(db.session) as tx:
                service.add_photo(
                    tx, load_activity(code, Action.EVIDENCE_EDIT), photo, slot=slot, file_name=name,
                    storage=storage(), actor=current_actor(), now=now(),
                )  # fmt: skip
            taken += 1
        except (PhotoRefused, DomainError) as error:
            flash(f"{name[:40]}：{error.message}", "bad")
    if taken:
        flash(_("收下%(n)s张照片，位置信息已去掉。", n=taken), "good")
    return redirect(url_for("evidence.index", code=code))


@bp.post("/activities/<code>/evidence/<any(links, documents):sort>/<slot>")
@requires(Action.EVIDENCE_EDIT)
def add(code: str, sort: str, slot: str) -> Response:
    """A media link, or a paper by title, number and date."""
    form = request.form
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.EVIDENCE_EDIT)
        if sort == "links":
            service.add_link(tx, activity, slot=slot, link=form.get("link", ""), actor=current_actor(), now=now())
        else:
            service.add_document(
                tx, activity, slot=slot, title=form.get("title", ""), number=form.get("number", ""),
                dated_on=_date(form.get("dated_on", "")), actor=current_actor(), now=now(),
            )  # fmt: skip
    flash(_("已登记。"), "good")
    return redirect(url_for("evidence.index", code=code))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@bp.post("/activities/<code>/evidence/<item_code>/remove")
@requires(Action.EVIDENCE_EDIT)
def remove(code: str, item_code: str) -> Response:
    """Take one item out before submission."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.EVIDENCE_EDIT)
        item = tx.scalar(
            select(EvidenceItem).where(EvidenceItem.code == item_code, EvidenceItem.activity_id == activity.id)
        )
        if item is None:
            raise NotFound("没有找到这份材料。")
        service.remove_item(tx, activity, item, actor=current_actor(), now=now())
    flash(_("已删除。"), "good")
    return redirect(url_for("evidence.index", code=code))


@bp.post("/activities/<code>/evidence/settle")
@requires(Action.EVIDENCE_EDIT)
def settle(code: str) -> Response:
    """The two questions about the set."""
    load_activity(code, Action.EVIDENCE_EDIT)
    minors, publish = request.form.get("minors"), request.form.get("publish")
    if minors not in ("yes", "no") or publish not in ("yes", "no"):
        flash(_("两个问题都要选，没有保存。"), "bad")
        return redirect(url_for("evidence.index", code=code))
    with transaction(db.session) as tx:
        service.settle_photos(
            tx, load_activity(code, Action.EVIDENCE_EDIT), minors=minors == "yes", publish=publish == "yes",
            actor=current_actor(), now=now(),
        )  # fmt: skip
    flash(_("已保存照片说明。"), "good")
    return redirect(url_for("evidence.index", code=code))


@bp.get("/evidence/<code>.jpg")
@signed_in
def picture(code: str) -> Response:
    """A stored picture; `?size=small` the thumbnail. Only who may read the evidence, or its other half."""
    item = get_item(db.session(), code)
    if not _may_see(item):
        raise NotFound("没有找到这张照片。")
    if item.state == EvidenceState.REDACTED.value:
        raise NotFound("这张照片已经按要求删除。")
    if item.expired_at is not None:
        raise NotFound("这张图片已经按期删除，只留下摘要。")
    sha256 = item.thumb_sha256 if request.args.get("size") == "small" else item.stored_sha256
    try:
        path = storage().path(sha256 or "")
    except (FileNotFoundError, ValueError):
        raise NotFound("照片文件不在了，请告诉系统管理员。") from None
    response = send_file(path, mimetype="image/jpeg", download_name=f"{item.code}.jpg")
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "no-store"
    return response


def _may_see(item: EvidenceItem) -> bool:
    actor = current_actor()
    activity = db.session.get_one(Activity, item.activity_id)
    host = db.session.get_one(Unit, activity.host_unit_id)
    if may_at(actor, Action.EVIDENCE_READ, host.path):
        return True
    if not may(actor, Action.EVIDENCE_READ):
        return False
    wanted = request.args.get("beside", "")
    mine = db.session.execute(
        select(Activity.id, Unit.path).join(Unit, Unit.id == Activity.host_unit_id).where(Activity.code == wanted)
    ).first()
    return (
        mine is not None
        and may_at(actor, Action.EVIDENCE_READ, mine.path)
        and shares_match(db.session(), item.id, mine.id)
    )
