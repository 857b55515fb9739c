"""Photos on public pages: shown after approval where allowed, hidden at once when a family asks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity
from app.activities.queries import get_public_activity
from app.evidence.models import EvidenceItem
from app.evidence.publishing import ABSENT, clear_photo, decide_takedown, hide_photo, public_photo, public_photos
from app.extensions import db, limiter
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.organisation.permissions import Action
from app.web.access import current_actor, load_activity, public, requires
from app.web.evidence import evidence_page, storage

bp = Blueprint("photos", __name__)


@bp.app_context_processor
def _offer_photos() -> dict[str, Any]:
    """`shown_photos(activity)` for the public page and the class's page; no statement before approval."""

    def shown(activity: Activity) -> list[EvidenceItem]:
        return public_photos(db.session(), activity)

    return {"shown_photos": shown}


@bp.get("/a/<code>/photos/<item_code>.jpg")
@public
def show(code: str, item_code: str) -> Response:
    """A picture of the gallery. Browsers ask each time whether it still stands, so that hiding reaches them."""
    item = public_photo(db.session(), get_public_activity(db.session(), code), item_code)
    sha256 = item.thumb_sha256 if request.args.get("size") == "small" else item.stored_sha256
    try:
        path = storage().path(sha256 or "")
    except (FileNotFoundError, ValueError):
        raise NotFound(ABSENT) from None
    response = send_file(path, mimetype="image/jpeg", download_name=f"{item.code}.jpg")
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return response


@bp.post("/a/<code>/photos/<item_code>/takedown")
@public
@limiter.limit("60/minute")
def takedown(code: str, item_code: str) -> Response:
    """Hide it now; the organizer is asked afterwards."""
    with transaction(db.session) as tx:
        hide_photo(tx, get_public_activity(tx, code), item_code, now=now())
    flash(_("这张照片已经撤下，别人看不到了。主办单位会看一眼，不用您再做什么。"), "good")
    return redirect(url_for("public.activity", code=code), 303)


@bp.post("/activities/<code>/evidence/<item_code>/takedown/<any(remove, keep):verb>")
@requires(Action.EVIDENCE_EDIT)
def decide(code: str, item_code: str, verb: str) -> Response:
    """Remove for good, or show again, with the reason."""
    load_activity(code, Action.EVIDENCE_EDIT)
    reason = request.form.get("reason", "")[:1000]
    try:
        with transaction(db.session) as tx:
            decide_takedown(
                tx, load_activity(code, Action.EVIDENCE_EDIT), item_code, remove=verb == "remove", reason=reason,
                actor=current_actor(), now=now(),
            )  # fmt: skip
    except RuleBroken as broken:
        return evidence_page(code, status=422, wrong=item_code, errors={"reason": _(broken.message)})
    flash(_("照片已删除，不再出现在任何页面。") if verb == "remove" else _("照片已恢复公开。"), "good")
    return redirect(url_for("evidence.index", code=code), 303)


@bp.post("/activities/<code>/evidence/<item_code>/<any(clear, unclear):verb>")
@requires(Action.EVIDENCE_EDIT)
def clear(code: str, item_code: str, verb: str) -> Response:
    """Show a photo although a family said no: the organizer saw that nobody of theirs is in it."""
    with transaction(db.session) as tx:
        clear_photo(
            tx, load_activity(code, Action.EVIDENCE_EDIT), item_code, is_clear=verb == "clear", actor=current_actor(),
            now=now(),
        )  # fmt: skip
    flash(_("这张照片已公开。") if verb == "clear" else _("这张照片不再公开。"), "good")
    return redirect(url_for("evidence.index", code=code, _anchor="cleared"), 303)
