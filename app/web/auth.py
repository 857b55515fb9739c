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

from app.extensions import db
from app.kernel.attempts import attempt_key, check_attempts, clear_attempts, note_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.text import one_line
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.service import end_sign_ins, password_matches, start_sign_in
from app.web.access import SIGN_IN_COOKIE, current_actor, public, signed_in
from app.web.rendering import render

bp = Blueprint("auth", __name__)

FREE_TRIES = 5
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
        key = attempt_key(name, request.remote_addr or "")
        check_attempts(db.session(), "sign_in", key, now=moment, free=FREE_TRIES, window=WINDOW)
        user = db.session.scalar(select(User).where(User.login == name))
        if password_matches(user, form.password.data) and user is not None and user.disabled_at is None:
            return _enter(user, key)
        with transaction(db.session) as tx:
            note_attempt(tx, "sign_in", key, now=moment)
        form.password.errors = [_("登录名或密码不对。连续输错会要求等一会儿。")]
    status = 422 if request.method == "POST" else 200
    return render("auth/login.html", form=form, status=status)


def _enter(user: User, key: str) -> Response:
    moment = now()
    with transaction(db.session) as tx:
        clear_attempts(tx, "sign_in", key)
        secret = start_sign_in(tx, user, device=_device(), second_factor=False, actor=actor_of(tx, user), now=moment)
    target = _after_sign_in()
    session.clear()  # a new identifier at sign-in: nothing fixed before it survives
    session[SIGN_IN_COOKIE] = secret
    session["seen"] = int(moment.timestamp())
    return redirect(target)


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
