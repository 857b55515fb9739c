"""Accounts: the list, a new one, one with its roles, invitation and end."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.actor import ROLE_LABELS, Role
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, NotFound
from app.kernel.text import one_line
from app.organisation import accounts
from app.organisation.models import RoleGrant, Unit, User
from app.organisation.permissions import Action
from app.organisation.queries import get_unit, list_units
from app.organisation.service import create_user, grant_role
from app.web.access import current_actor, requires, settings
from app.web.organisation.blueprint import bp, get_user
from app.web.rendering import render, staff_page


@bp.get("/organisation/users")
@requires(Action.ORGANISATION_MANAGE)
def users() -> Response:
    """Accounts with their roles."""
    staff_page()
    rows = db.session.scalars(select(User).join(Unit, Unit.id == User.unit_id).order_by(Unit.position, User.id)).all()
    held: dict[int, list[str]] = {}
    for grant in db.session.scalars(select(RoleGrant).order_by(RoleGrant.id)):
        held.setdefault(grant.user_id, []).append(ROLE_LABELS[Role(grant.role)])
    return render(
        "organisation/users.html", rows=rows, held=held, units=list_units(db.session()), roles=ROLE_LABELS, typed={}
    )


@bp.post("/organisation/users")
@requires(Action.ORGANISATION_MANAGE)
def add_user() -> Response:
    """An account with one role and an invitation link to paste into a chat."""
    form = request.form
    try:
        with transaction(db.session) as tx:
            unit = get_unit(tx, form.get("unit", ""))
            role = Role(form.get("role", ""))
            if not one_line(form.get("login", "")) or not one_line(form.get("name", "")):
                raise NotFound("登录名和称呼都要填，没有新建。")
            user = create_user(
                tx, login=form.get("login", "")[:40], name=form.get("name", "")[:40], unit=unit, roles=[(role, unit)],
                actor=current_actor(), now=now(),
            )  # fmt: skip
            code = user.code
        return redirect(url_for("organisation.user", code=code), 303)
    except (DomainError, ValueError) as error:
        flash(error.message if isinstance(error, DomainError) else _("请选角色。"), "bad")
    return redirect(url_for("organisation.users"), 303)


@bp.get("/organisation/users/<code>")
@requires(Action.ORGANISATION_MANAGE)
def user(code: str) -> Response:
    """One account: roles at units, invitation, disable."""
    return _user_page(code)


def _user_page(code: str, link: str = "") -> Response:
    staff_page()
    found = get_user(code)
    grants = db.session.execute(
        select(RoleGrant, Unit)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.user_id == found.id)
        .order_by(RoleGrant.id)
    ).all()
    return render(
        "organisation/user.html", user=found, grants=grants, roles=ROLE_LABELS, units=list_units(db.session()), link=link,
        text=_("%(n)s，请点这个链接设置密码（7天内有效，只能用一次）：%(l)s", n=found.name, l=link) if link else "",
    )  # fmt: skip


@bp.post("/organisation/users/<code>/<any(invite, disable, enable, grant, revoke):verb>")
@requires(Action.ORGANISATION_MANAGE)
def change_user(code: str, verb: str) -> Response:
    """The verbs of an account."""
    moment, actor, secret = now(), current_actor(), ""
    with transaction(db.session) as tx:
        found = get_user(code)
        if verb == "invite":
            secret = accounts.invite(tx, found, actor=actor, now=moment)
        elif verb in ("disable", "enable"):
            accounts.set_disabled(tx, found, disabled=verb == "disable", actor=actor, now=moment)
        else:
            unit = get_unit(tx, request.form.get("unit", ""))
            wanted = request.form.get("role", "")
            if wanted not in {role.value for role in Role}:
                raise NotFound("没有这个角色。")
            change = grant_role if verb == "grant" else accounts.revoke_role
            change(tx, found, role=Role(wanted), unit=unit, actor=actor, now=moment)
    if secret:
        return _user_page(code, settings().base_url + url_for("organisation.accept", secret=secret))
    flash(_("已保存。"), "good")
    return redirect(url_for("organisation.user", code=code), 303)
