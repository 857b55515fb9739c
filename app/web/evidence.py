"""The organizer's evidence page, uploads, pictures served with an access check."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.activities.kinds import KINDS
from app.activities.models import Activity
from app.evidence import service
from app.evidence.models import EvidenceItem, EvidenceState
from app.evidence.photo_process import BYTES_MOST, PhotoRefused, photo_process
from app.evidence.publishing import count_opted_out, is_published, list_asked, publishable_photos
from app.evidence.queries import get_item, holds_names, list_matches, shares_match, slots_of
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, NotFound, Problem, RuleBroken
from app.kernel.text import one_line
from app.organisation.models import Unit
from app.organisation.permissions import Action, may, may_at
from app.review.freeze import count_activity
from app.web.access import current_actor, load_activity, requires, settings, signed_in
from app.web.activities.intake import read_day
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


def evidence_page(code: str, *, status: int = 200, wrong: str = "", errors: dict[str, str] | None = None) -> Response:
    """The page; after a refusal with what was typed, the words beside the field of the slot or photo `wrong`."""
    staff_page()
    activity = load_activity(code, Action.EVIDENCE_READ)
    host = db.session.get_one(Unit, activity.host_unit_id)
    views = slots_of(db.session(), activity)
    may_decide = may_at(current_actor(), Action.EVIDENCE_EDIT, host.path)
    return render(
        "evidence/index.html",
        status=status,
        wrong=wrong,
        errors=errors or {},
        typed=request.form,
        asked=list_asked(db.session(), activity),
        opted_out=count_opted_out(db.session(), activity) if is_published(activity) else 0,
        publishable=publishable_photos(db.session(), activity),
        may_decide=may_decide,
        may_names=may_read_names(host.path),
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
    service.slot_of(load_activity(code, Action.EVIDENCE_EDIT), slot)
    files = [file for file in request.files.getlist("photos") if file.filename]
    refused = [] if files else [_("没有选照片。点“选照片”再上传。")]
    taken = 0
    for file in files[:FILES_MOST]:
        try:
            _take(code, slot, file)
            taken += 1
        except (PhotoRefused, DomainError) as error:
            refused.append(f"{one_line(file.filename or '')[:40]}：{_(error.message)}")
    if more := len(files[FILES_MOST:]):
        refused.append(_("一次最多%(most)s张，后面的%(n)s张没有收下，请再传一次。", most=FILES_MOST, n=more))
    if not taken:
        return evidence_page(code, status=422, wrong=slot, errors={"photos": "\n".join(refused)})
    for words in refused:
        flash(words, "bad")
    flash(_("收下%(n)s张照片，位置信息已去掉。", n=taken), "good")
    return redirect(url_for("evidence.index", code=code), 303)


def _take(code: str, slot: str, file: FileStorage) -> None:
    """Convert outside the transaction: a picture takes longer than anybody should hold the lock."""
    photo = photo_process.convert(file.stream.read(BYTES_MOST + 1))
    with transaction(db.session) as tx:
        service.add_photo(
            tx, load_activity(code, Action.EVIDENCE_EDIT), photo, slot=slot, file_name=file.filename or "",
            storage=storage(), actor=current_actor(), now=now(),
        )  # fmt: skip


@bp.post("/activities/<code>/evidence/<any(links, documents):sort>/<slot>")
@requires(Action.EVIDENCE_EDIT)
def add(code: str, sort: str, slot: str) -> Response:
    """A media link, or a paper by title, number and date."""
    form, day = request.form, request.form.get("dated_on", "")
    try:
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.EVIDENCE_EDIT)
            if sort == "links":
                service.add_link(tx, activity, slot=slot, link=form.get("link", ""), actor=current_actor(), now=now())
            elif day.strip() and read_day(day) is None:
                raise RuleBroken(Problem("dated_on", "日期没看懂，请写成 2026-11-24 这样。", field="dated_on"))
            else:
                service.add_document(
                    tx, activity, slot=slot, title=form.get("title", ""), number=form.get("number", ""),
                    dated_on=read_day(day), actor=current_actor(), now=now(),
                )  # fmt: skip
    except RuleBroken as broken:
        return evidence_page(
            code, status=422, wrong=slot, errors={p.field or "slot": _(p.message) for p in broken.problems}
        )
    flash(_("已登记。"), "good")
    return redirect(url_for("evidence.index", code=code), 303)


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
        return evidence_page(code, status=422, errors={"settle": _("两个问题都要选，没有保存。")})
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


def may_read_names(path: str) -> bool:
    """Whether the actor may see a sign-in sheet of this unit: its own people, and who reviews; never a leader."""
    return may_at(current_actor(), Action.ROSTER_READ, path) or may_at(current_actor(), Action.REVIEW, path)


def _may_see(item: EvidenceItem) -> bool:
    actor = current_actor()
    activity = db.session.get_one(Activity, item.activity_id)
    host = db.session.get_one(Unit, activity.host_unit_id)
    if holds_names(item) and not may_read_names(host.path):
        return False
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
