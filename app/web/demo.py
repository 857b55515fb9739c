"""Role cards of the demo: one click signs in; the endpoint does not exist outside demo mode."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.service import start_sign_in
from app.web.access import SIGN_IN_COOKIE, public, settings

bp = Blueprint("demo", __name__)

CARDS = (
    ("jingban", "经办人", "看看被退回的那一件，再打开今天的现场控制台"),
    ("shenhe", "审核人", "通过第十二节非遗课，比对一张五月用过的照片"),
    ("lingdao", "领导", "看任务10的数字，两下点到照片"),
    ("fuze", "单位负责人", "同意一场活动公开展示"),
    ("shenji", "日志审计员", "核验整条日志"),
    ("guanli", "系统管理员", "看看谁能做什么"),
)


@bp.app_context_processor
def _cards() -> dict[str, Any]:
    return {"demo_cards": CARDS if _is_on() else ()}


def _is_on() -> bool:
    return settings().demo and not settings().is_production


@bp.post("/demo/<any(jingban, shenhe, lingdao, fuze, shenji, guanli):login>")
@public
def enter(login: str) -> Response:
    """Sign in as a demo account; refused in production, whatever the settings say."""
    if not _is_on():
        abort(404)
    moment = now()
    with transaction(db.session) as tx:
        user = tx.scalar(select(User).where(User.login == login, User.disabled_at.is_(None)))
        if user is None:
            abort(404)
        secret = start_sign_in(tx, user, device="示例", second_factor=True, actor=actor_of(tx, user), now=moment)
    session.clear()
    session[SIGN_IN_COOKIE] = secret
    session["seen"] = int(moment.timestamp())
    return redirect(url_for("home.index"), 303)
