"""Signing in and out."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, flash, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.routing import BuildError
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.exports.qr import matrix as qr_matrix
from app.extensions import db
from app.kernel.attempts import attempt_key, check_attempts, clear_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.kernel.text import one_line
from app.organisation import accounts
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.second_factor import (
    REMEMBERED,
    accept_code,
    enrol,
    enrolment_address,
    is_remembered,
    needs_second_factor,
    new_secret,
    remember_device,
)
from app.organisation.service import end_sign_ins, password_matches, start_sign_in
from app.web.access import SIGN_IN_COOKIE, address_key, current_actor, keys, public, settings, signed_in
from app.web.rendering import render

bp = Blueprint("auth", __name__)

FREE_TRIES = 5
HALF_SECONDS = 600
WINDOW = timedelta(minutes=30)


class SignInForm(FlaskForm):  # type: ignore[misc]
    login = StringField("登录名", validators=[InputRequired("请填登录名。"), Length(max=40)])
    password = PasswordField("密码", validators=[InputRequired("请填密码。"), Length(max=200)])


@bp.route("/login", methods=["GET", "POST"])
@public
def login() -> Response:
    """The sign-in form; the same words and time for an unknown name and a wrong password."""
    form = SignInForm()
    if request.method == "POST" and form.validate():
        moment = now()
        name = one_line(form.login.data).lower()
        key = address_key(name)
        check_attempts(db.session(), "sign_in", key, now=moment, free=FREE_TRIES, window=WINDOW)
        user = db.session.scalar(select(User).where(User.login == name))
        right = password_matches(user, form.password.data) and user is not None and user.disabled_at is None
        with transaction(db.session) as tx:
            settle_attempt(tx, "sign_in", key, right=right, now=moment, free=FREE_TRIES, window=WINDOW)
            if right:
                clear_attempts(tx, "sign_in", key)
        if right and user is not None:
            return _enter(user)
        form.password.errors = [_("登录名或密码不对。连续输错会要求等一会儿。")]
    status = 422 if request.method == "POST" else 200
    return render("auth/login.html", form=form, status=status)


def _enter(user: User) -> Response:
    """With the password right: straight in, or by the second factor where a role asks for it."""
    moment = now()
    actor = actor_of(db.session(), user)
    if user.must_change_password:
        return _spend_one_time_password(user)
    asks = user.totp_secret is not None or (settings().asks_second_factor and needs_second_factor(actor))
    if asks and not is_remembered(db.session(), user, request.cookies.get(_device_cookie(), ""), now=moment):
        wanted = session.get("next")
        session.clear()
        session["half"] = [user.code, int(moment.timestamp())]
        if wanted:
            session["next"] = wanted
        return redirect(url_for("auth.second"))
    return finish_sign_in(user, second_factor=asks)


def _spend_one_time_password(user: User) -> Response:
    """The password of `user create-admin` is good once: it becomes a one-time link to choose an own one."""
    moment = now()
    with transaction(db.session) as tx:
        secret = accounts.invite(tx, tx.get_one(User, user.id), actor=actor_of(tx, user), now=moment)
        tx.get_one(User, user.id).password_hash = ""
    flash(_("这是一次性密码。请现在设置自己的密码，再登录。"), "warn")
    return redirect(url_for("organisation.accept", secret=secret))


def finish_sign_in(user: User, *, second_factor: bool, remember: bool = False) -> Response:
    """A new server-side session and a new cookie; nothing fixed before survives."""
    moment = now()
    with transaction(db.session) as tx:
        secret = start_sign_in(
            tx, user, device=_device(), second_factor=second_factor, actor=actor_of(tx, user), now=moment
        )
        device = remember_device(tx, user, now=moment) if remember else ""
    target = _after_sign_in()
    session.clear()
    session[SIGN_IN_COOKIE] = secret
    session["seen"] = int(moment.timestamp())
    response = redirect(target)
    if device:
        response.set_cookie(
            _device_cookie(), device, max_age=int(REMEMBERED.total_seconds()), httponly=True, samesite="Lax",
            secure=settings().is_secure,
        )  # fmt: skip
    return response


def _device_cookie() -> str:
    return "__Host-shiliu-device" if settings().is_secure else "shiliu-device"


def _half_way() -> User | None:
    """Who passed the password within ten minutes and still owes the second factor."""
    code, at = session.get("half", ["", 0])
    if now().timestamp() - at > HALF_SECONDS:
        return None
    return db.session.scalar(select(User).where(User.code == code, User.disabled_at.is_(None)))


@bp.route("/login/second", methods=["GET", "POST"])
@public
def second() -> Response:
    """The code of the second factor; the first time it is switched on here."""
    user = _half_way()
    if user is None:
        flash(_("登录放得太久，请重新输入密码。"), "warn")
        return redirect(url_for("auth.login"))
    return _enrol(user) if user.totp_secret is None else _ask_code(user)


def _ask_code(user: User) -> Response:
    error, moment = "", now()
    if request.method == "POST":
        key = attempt_key("second", user.code)
        check_attempts(db.session(), "second", key, now=moment, free=FREE_TRIES, window=WINDOW)
        with transaction(db.session) as tx:
            right = accept_code(tx, user, request.form.get("code", "")[:20], keys=keys(), now=moment)
            settle_attempt(tx, "second", key, right=right, now=moment, free=FREE_TRIES, window=WINDOW)
            if right:
                clear_attempts(tx, "second", key)
        if right:
            return finish_sign_in(user, second_factor=True, remember=request.form.get("remember") == "y")
        error = _("口令不对，或者已经用过。请等手机上换一个再填，也可以填备用口令。")
    return render("auth/second.html", status=422 if error else 200, error=error)


def _enrol(user: User) -> Response:
    error, moment = "", now()
    secret = session.setdefault("totp", new_secret())
    if request.method == "POST":
        try:
            with transaction(db.session) as tx:
                codes = enrol(
                    tx, user, secret=secret, typed=request.form.get("code", "")[:20], keys=keys(),
                    actor=actor_of(tx, user), now=moment,
                )  # fmt: skip
        except RuleBroken as broken:
            error = broken.message
        else:
            finish_sign_in(user, second_factor=True)
            return render("auth/codes.html", codes=codes)
    address = enrolment_address(secret, user.login)
    return render(
        "auth/enrol.html", status=422 if error else 200, error=error, secret=secret, matrix=qr_matrix(address)
    )


def _device() -> str:
    agent = request.user_agent.string
    for mark, name in (
        ("MicroMessenger", "微信"), ("Android", "安卓手机"), ("iPhone", "iPhone"), ("iPad", "iPad"),
        ("Windows", "Windows 电脑"), ("Macintosh", "Mac 电脑"), ("Linux", "Linux 电脑"),
    ):  # fmt: skip
        if mark in agent:
            return name
    return "浏览器"


def _after_sign_in() -> str:
    wanted = session.get("next")
    if wanted:
        try:
            return url_for(wanted[0], **wanted[1])
        except (BuildError, TypeError):
            pass
    return url_for("home.index")


@bp.post("/logout")
@signed_in
def logout() -> Response:
    """End this sign-in on the server, then forget the cookie."""
    actor = current_actor()
    assert actor.user_id is not None
    with transaction(db.session) as tx:
        end_sign_ins(tx, actor.user_id, actor=actor, user_code=actor.user_code, now=now(), only=actor.sign_in_id)
    session.clear()
    flash(_("已退出登录。"), "good")
    return redirect(url_for("auth.login"))
