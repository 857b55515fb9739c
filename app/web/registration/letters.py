"""The organizer's page of letters: how many went out, wait or failed and why; never to whom."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at
from app.registration.letters import PROBLEM_WORDS
from app.registration.outbox import count_letters, resend
from app.web.access import current_actor, load_activity, requires, settings
from app.web.registration.blueprint import bp
from app.web.rendering import render, staff_page

FOR_NOTHING = frozenset({"erased", "outdated"})


@bp.get("/activities/<code>/mail")
@requires(Action.ROSTER_READ)
def mail(code: str) -> Response:
    """Counts by what became of the letters."""
    staff_page()
    activity = load_activity(code, Action.ROSTER_READ)
    host = db.session.get_one(Unit, activity.host_unit_id)
    counts = count_letters(db.session(), activity.id)
    return render(
        "registration/mail.html", activity=activity, counts=counts, words=PROBLEM_WORDS, has_server=bool(settings().smtp_host),
        may_resend=may_at(current_actor(), Action.ACTIVITY_EDIT, host.path)
        and any(problem not in FOR_NOTHING for problem in counts.problems),
    )  # fmt: skip


@bp.post("/activities/<code>/mail/resend")
@requires(Action.ACTIVITY_EDIT)
def resend_mail(code: str) -> Response:
    """Those given up go back into the line."""
    with transaction(db.session) as tx:
        count = resend(tx, load_activity(code, Action.ACTIVITY_EDIT), actor=current_actor(), now=now())
    if count:
        flash(_("%(n)s封重新排队，一两分钟内再发。", n=count), "good")
    else:
        flash(_("没有要再发的邮件。"), "plain")
    return redirect(url_for("registration.mail", code=code), 303)
