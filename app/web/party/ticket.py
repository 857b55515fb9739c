"""The class ticket: change the classes until the start, say how many came, in parts if they come in parts."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.checkin.doors import window_of
from app.checkin.models import Method
from app.checkin.parties import reported_of
from app.checkin.queries import check_ins_of
from app.checkin.rules import CountAs
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.tokens import random_secret
from app.registration.models import PartyClass, Registration, RegistrationKind
from app.registration.service import change_classes
from app.web.access import public
from app.web.party.blueprint import bp
from app.web.party.forms import ClassesForm
from app.web.registration.forms import attach, too_long
from app.web.rendering import clock_text, render
from app.web.tickets import TicketPage, covered, find_counted, load_page
from app.web.venue import asked_party, asked_uid


def classes_of(registration_id: int) -> list[PartyClass]:
    """The classes of a party in their order."""
    return list(
        db.session.scalars(
            select(PartyClass).where(PartyClass.registration_id == registration_id).order_by(PartyClass.position)
        )
    )


@bp.app_context_processor
def _offer_party() -> dict[str, object]:
    """`party_classes(id)`, and `party_desk(ticket)`: what the ticket page shows of a party; nothing until called."""
    return {"party_classes": classes_of, "party_desk": party_desk}


def party_desk(page: TicketPage) -> dict[str, object]:
    """The session whose sign-in is open now, if any, how many are here, and the form's own id."""
    moment = now()
    for row in covered(page.activity, page.registration):
        opens, closes = window_of(page.activity, row)
        if opens <= moment < closes:
            found = reported_of(db.session(), page.registration.id, row.id)
            return {"session": row, "uid": random_secret(), "here": found.people if found else 0}
    return {"session": None, "uid": "", "here": 0}


def _load(secret: str) -> TicketPage:
    page = load_page(secret)
    if page.registration.kind != RegistrationKind.PARTY.value:
        raise NotFound("这张报名码不是班级码。")
    return page


@bp.get("/t/<secret>/classes")
@public
def classes(secret: str) -> Response:
    """The classes as they were registered, to change."""
    page = _load(secret)
    rows = [
        {"label": row.label, "pupils": row.pupils, "adults": row.adults, "without_photo": row.without_photo}
        for row in classes_of(page.registration.id)
    ]
    return _page(page, ClassesForm(formdata=None, classes=rows, submission=random_secret()))


@bp.post("/t/<secret>/classes")
@public
def change(secret: str) -> Response:
    """Fewer at once; more while there are places."""
    find_counted(secret)
    form, page = ClassesForm(), _load(secret)
    if "more" in request.form:
        form.add_row()
        return _page(page, form)
    if not form.validate() or too_long(form):
        return _page(page, form, status=422)
    try:
        with transaction(db.session) as tx:
            registration = tx.get_one(Registration, page.registration.id)
            if check_ins_of(tx, registration.id):
                raise Conflict("checked_in", _("已经签到，报名没有改动。人数不对，请告诉签到台。"))
            change_classes(tx, registration, form.entries(), now=now())
    except RuleBroken as broken:
        db.session.rollback()
        return _page(_load(secret), form, list(broken.problems), 422)
    flash(_("班级和人数已改好。"), "good")
    return redirect(url_for("tickets.show", secret=secret), 303)


def _page(page: TicketPage, form: ClassesForm, problems: list[Problem] | None = None, status: int = 200) -> Response:
    loose = attach(form, form.attach_classes(problems or []))
    return render("party/classes.html", ticket=page, form=form, problems=loose, status=status)


@bp.post("/t/<secret>/arrived")
@public
def arrived(secret: str) -> Response:
    """“来了 n 人”: the teacher's own number, 清点 until staff confirms it."""
    find_counted(secret)
    page, uid, (people, count_as) = _load(secret), asked_uid(), asked_party()
    row = next((s for s in page.sessions if s.code == request.form.get("session", "")), None)
    if row is None or not uid:
        raise Conflict("form", _("这一页不完整，没有登记。请刷新班级码再报一次。"))
    if not people:
        raise RuleBroken(Problem("people", _("人数请填1或以上的整数，没有登记。请返回再报一次。")))
    with transaction(db.session) as tx:
        # A number for all is for who has counted them: staff and helpers.
        own = CountAs.FIRST if count_as is CountAs.WHOLE else count_as
        arrival = Arrival(uid, row.id, Method.PARTY_OWN, page.registration.id, children=people, count_as=own)
        result = check_in(tx, arrival, now=now())
    if result.is_new:
        flash(
            _("已登记来了%(n)s人，一共%(all)s人。请让工作人员核对一下人数。", n=result.headcount, all=result.here),
            "good",
        )
    elif result.is_in and result.first_at is not None:
        flash(_("刚才已经登记过了，%(time)s第一次签到，没有重复计数。", time=clock_text(result.first_at)), "warn")
    else:
        flash(_(result.message), "bad")
    return redirect(url_for("tickets.show", secret=secret), 303)
