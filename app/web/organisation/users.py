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
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.text import one_line
from app.organisation import accounts
from app.organisation.models import RoleGrant, Unit, User
from app.organisation.permissions import Action
from app.organisation.queries import find_unit, get_unit, list_units
from app.organisation.rules import PERSON_MOST, login_of, login_problem, name_problem
from app.organisation.service import create_user, grant_role
from app.web.access import current_actor, requires, settings
from app.web.organisation.blueprint import bp, get_user
from app.web.rendering import render, staff_page


@bp.get("/organisation/users")
@requires(Action.ORGANISATION_MANAGE)
def users() -> Response:
    """Accounts with their roles."""
    return _users_page()


def _users_page(*, errors: dict[str, str] | None = None) -> Response:
    staff_page()
    rows = db.session.scalars(select(User).join(Unit, Unit.id == User.unit_id).order_by(Unit.position, User.id)).all()
    held: dict[int, list[str]] = {}
    for grant in db.session.scalars(select(RoleGrant).order_by(RoleGrant.id)):
        held.setdefault(grant.user_id, []).append(ROLE_LABELS[Role(grant.role)])
    return render(
        "organisation/users.html", status=422 if errors else 200, rows=rows, held=held, units=list_units(db.session()),
        roles=ROLE_LABELS, typed=request.form, errors=errors or {},
    )  # fmt: skip


@bp.post("/organisation/users")
@requires(Action.ORGANISATION_MANAGE)
def add_user() -> Response:
    """An account with one role and an invitation link to paste into a chat."""
    form = request.form
    login, name = login_of(form.get("login", "")), one_line(form.get("name", ""))
    try:
        with transaction(db.session) as tx:
            unit = find_unit(tx, form.get("unit", ""))
            role = next((role for role in Role if role.value == form.get("role")), None)
            found = {
                "login": login_problem(login), "name": name_problem(name, PERSON_MOST),
                "unit": "" if unit else _("请从列表里选单位。"), "role": "" if role else _("请选角色。"),
            }  # fmt: skip
            if problems := [Problem(f"{cell}_wrong", text, field=cell) for cell, text in found.items() if text]:
                raise RuleBroken(problems)
            assert unit is not None
            assert role is not None
            user = create_user(
                tx, login=login, name=name, unit=unit, roles=[(role, unit)], actor=current_actor(), now=now()
            )  # fmt: skip
            code = user.code
    except RuleBroken as refused:
        return _users_page(errors={p.field: p.message for p in refused.problems})
    except Conflict as taken:
        return _users_page(errors={"login": taken.message})
    return redirect(url_for("organisation.user", code=code), 303)


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
