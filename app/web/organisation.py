"""The administrator's pages: units, accounts and roles, the permission table; and everyone's own account."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
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
from app.organisation.models import UNIT_KIND_LABELS, RoleGrant, Unit, UnitKind, User
from app.organisation.permissions import ACTION_LABELS, PERMISSIONS, Action, Scope
from app.organisation.queries import get_unit, list_readers, list_units
from app.organisation.service import create_unit, create_user, end_sign_ins, grant_role
from app.web.access import current_actor, public, requires, settings, signed_in
from app.web.rendering import render, staff_page

bp = Blueprint("organisation", __name__)


def _get_user(code: str) -> User:
    user = db.session.scalar(select(User).where(User.code == code))
    if user is None:
        raise NotFound("没有找到这个账号。")
    return user


@bp.get("/organisation")
@requires(Action.ORGANISATION_MANAGE)
def units() -> Response:
    """Units in the plan's order, and the order of readers."""
    staff_page()
    return render(
        "organisation/units.html", units=list_units(db.session()), kinds=UNIT_KIND_LABELS, typed=request.form,
        readers=list_readers(db.session()),
    )  # fmt: skip


@bp.post("/organisation/units")
@requires(Action.ORGANISATION_MANAGE)
def add_unit() -> Response:
    """A new unit below another."""
    try:
        kind = UnitKind(request.form.get("kind", ""))
        with transaction(db.session) as tx:
            create_unit(
                tx, name=request.form.get("name", "")[:60], kind=kind, parent=get_unit(tx, request.form.get("parent", "")),
                actor=current_actor(), now=now(),
            )  # fmt: skip
        flash(_("已新建单位。"), "good")
    except (DomainError, ValueError) as error:
        flash(error.message if isinstance(error, DomainError) else _("请选单位类型。"), "bad")
    return redirect(url_for("organisation.units"), 303)


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
    found = _get_user(code)
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
        found = _get_user(code)
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
                only = int(wanted) if wanted.isdigit() and len(wanted) < 10 else -1
                end_sign_ins(tx, actor.user_id, actor=actor, user_code=actor.user_code, now=moment, only=only)
        flash(_("密码已改，其他地方的登录已退出。") if verb == "password" else _("已结束那一处登录。"), "good")
    except DomainError as error:
        flash(error.message, "bad")
    return redirect(url_for("organisation.account"), 303)
