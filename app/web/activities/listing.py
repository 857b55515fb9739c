"""先审后发: who may say yes to the public calendar; and two write-ups of one event."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField

from app.activities import service
from app.activities.kinds import KINDS
from app.activities.models import Activity
from app.activities.queries import get_activity, list_waiting_listing
from app.activities.twins import find_twins
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.organisation.permissions import Action, reach
from app.web.access import current_actor, load_activity, requires, settings
from app.web.activities.blueprint import bp
from app.web.rendering import render


class ListingForm(FlaskForm):  # type: ignore[misc]
    reason = StringField("不同意的原因")


@bp.get("/activities/listing")
@requires(Action.ACTIVITY_LIST_PUBLICLY)
def listing_queue() -> Response:
    """Those that wait to be shown in public, soonest first."""
    return _queue(ListingForm(formdata=None))


def _queue(form: ListingForm, *, code: str = "", status: int = 200) -> Response:
    rows = list_waiting_listing(db.session(), reach(current_actor(), Action.ACTIVITY_LIST_PUBLICLY))
    return render("activities/listing.html", rows=rows, kinds=KINDS, form=form, wrong=code, status=status)


@bp.post("/activities/<code>/listing/<any(accept, decline):verb>")
@requires(Action.ACTIVITY_LIST_PUBLICLY)
def decide_listing(code: str, verb: str) -> Response:
    """Say yes, or no with a reason."""
    form = ListingForm()
    try:
        with transaction(db.session) as tx:
            service.decide_listing(
                tx, load_activity(code, Action.ACTIVITY_LIST_PUBLICLY), accept=verb == "accept",
                reason=form.reason.data or "", actor=current_actor(), now=now(),
            )  # fmt: skip
    except RuleBroken as broken:
        form.reason.errors = [_(problem.message) for problem in broken.problems]
        return _queue(form, code=code, status=422)
    flash(
        _("已同意，现在能在首页日历看到。") if verb == "accept" else _("已说明原因，活动本身照常，只是不上日历。"),
        "good",
    )
    return redirect(url_for("activities.listing_queue"), 303)


@bp.get("/activities/<code>/twins")
@requires(Action.ACTIVITY_EDIT)
def twins(code: str) -> Response:
    """Is it the same event? Title and host only, whoever asks."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    found = find_twins(db.session(), activity)
    if not found:
        return redirect(url_for("activities.detail", code=code))
    return render("activities/twins.html", activity=activity, twins=found)


@bp.post("/activities/<code>/keep-apart")
@requires(Action.ACTIVITY_EDIT)
def keep_apart(code: str) -> Response:
    """Not the same: keep both, publish this one, and let the flag go along to review."""
    moment, actor = now(), current_actor()
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        service.keep_apart(tx, activity, actor=actor, now=moment)
        is_draft = activity.state == "draft"
        if is_draft:
            nod = settings().require_listing_consent
            service.publish_activity(tx, activity, needs_nod=nod, actor=actor, now=moment)
    flash(_("已发布，并注明不是同一场；审核时会看到这个说明。") if is_draft else _("已注明不是同一场。"), "good")
    return redirect(url_for("activities.share" if is_draft else "activities.detail", code=code), 303)


@bp.post("/activities/<code>/join")
@requires(Action.ACTIVITY_EDIT)
def join(code: str) -> Response:
    """The draft's host joins the other write-up as 协办; the draft is given up."""
    moment, actor = now(), current_actor()
    with transaction(db.session) as tx:
        draft = load_activity(code, Action.ACTIVITY_EDIT)
        other = _twin(draft, request.form.get("other", ""))
        service.discard_draft(tx, draft, actor=actor, now=moment)
        service.add_co_host(tx, other, draft.host_unit_id, actor=actor, now=moment)
        other_code = other.code
    flash(_("已作为协办单位加入。这场活动只计一次，两家单位都能看到。"), "good")
    return redirect(url_for("activities.detail", code=other_code), 303)


def _twin(draft: Activity, code: str) -> Activity:
    """A foreign activity may be joined only while it looks like the same event."""
    if code not in {twin.code for twin in find_twins(db.session(), draft)}:
        raise NotFound("没有找到要加入的那场活动，它可能改了时间或地点。您的草稿还在。")
    return get_activity(db.session(), code)
