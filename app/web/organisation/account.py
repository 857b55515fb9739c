"""The permission table, an invitation taken up, and everyone's own account."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.actor import ROLE_LABELS
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, NotFound
from app.organisation import accounts
from app.organisation.models import User
from app.organisation.permissions import ACTION_LABELS, PERMISSIONS, Scope
from app.organisation.service import end_sign_ins
from app.web.access import current_actor, public, signed_in
from app.web.organisation.blueprint import bp
from app.web.rendering import render, staff_page


@bp.get("/organisation/permissions")
@signed_in
def permissions() -> Response:
    """The one permission table, as the code has it."""
    staff_page()
    return render(
        "organisation/permissions.html",
        actions=ACTION_LABELS,
        roles=ROLE_LABELS,
        table=PERMISSIONS,
        everywhere=Scope.ALL,
    )


@bp.route("/invite/<secret>", methods=["GET", "POST"])
@public
def accept(secret: str) -> Response:
    """A one-time link: choose a password, then sign in."""
    moment, error = now(), ""
    if request.method == "POST":
        try:
            with transaction(db.session) as tx:
                accounts.accept_invitation(tx, secret, request.form.get("password", ""), now=moment)
            flash(_("密码已设好，请登录。"), "good")
            return redirect(url_for("auth.login"), 303)
        except NotFound:
            raise
        except DomainError as refused:
            error = refused.message
    found = accounts.find_invited(db.session(), secret, now=moment)
    return render("organisation/accept.html", status=422 if error else 200, user=found, error=error)


@bp.get("/account")
@signed_in
def account() -> Response:
    """Own sign-ins and password."""
    staff_page()
    actor = current_actor()
    assert actor.user_id is not None
    rows = accounts.own_sign_ins(db.session(), actor.user_id, now=now())
    return render("organisation/account.html", rows=rows, current=actor.sign_in_id)


@bp.post("/account/<any(password, end):verb>")
@signed_in
def change_account(verb: str) -> Response:
    """Change the own password, or end one of the own sign-ins."""
    actor, moment = current_actor(), now()
    assert actor.user_id is not None
    try:
        with transaction(db.session) as tx:
            if verb == "password":
                own = tx.get_one(User, actor.user_id)
                accounts.change_password(
                    tx, own, old=request.form.get("old", ""), new=request.form.get("new", ""), actor=actor, now=moment
                )
            else:
                wanted = request.form.get("sign_in", "")
                only = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else -1
                end_sign_ins(tx, actor.user_id, actor=actor, user_code=actor.user_code, now=moment, only=only)
        flash(_("密码已改，其他地方的登录已退出。") if verb == "password" else _("已结束那一处登录。"), "good")
    except DomainError as error:
        flash(error.message, "bad")
    return redirect(url_for("organisation.account"), 303)
