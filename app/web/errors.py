"""DomainError and HTTP errors → status and page or fragment; the only place that knows both."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_babel import gettext as _
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.extensions import db
from app.kernel.errors import Conflict, DomainError, NotFound, NotPermitted, RuleBroken, TooMany
from app.web.access import current_actor
from app.web.rendering import wants_fragment

log = logging.getLogger("shiliu.web")

# what happened, what is safe, what to do
_PAGES: dict[int, tuple[str, str, str]] = {
    400: ("这一步没有完成", "没有保存任何东西，原来的内容都在。", "请回到上一页再试一次。"),
    403: ("您的角色不能做这件事", "没有改动任何内容。", "需要的话，请联系本单位负责人或系统管理员。"),
    404: ("没有找到这一页", "已保存的内容都在。", "请检查网址，或从首页重新进入。"),
    405: ("这个网址不能这样打开", "没有改动任何内容。", "请从页面上的按钮进入。"),
    409: ("现在不能这样办", "没有改动任何内容。", "请回到刚才那一页，看现在的情况。"),
    413: ("内容太大了", "没有保存，原来的内容都在。", "请减少或压缩后再传，一次不超过60MB。"),
    422: ("填的内容有问题", "没有保存，原来的内容都在。", "请按提示改好再提交。"),
    429: ("操作太频繁了", "没有改动任何内容。", "请等一会儿再试。"),
    500: ("系统出错了", "已保存的内容都在，这一步没有执行。", "请稍后再试；多次出现请联系管理员，并说出时间。"),
    503: ("系统正忙", "没有改动任何内容。", "请几秒后再试一次。"),
    507: ("存储空间不够了", "已保存的内容都在，签到不受影响。", "请联系管理员清理空间后再传。"),
}

# A 409 says one of four things; a code that is in none of these is only closed to the act now.
_DONE = ("这一步已经办过了", "没有重复办理，原来的记录都在。", "请回到刚才那一页，看现在的情况。")
_CHANGED = ("已经有人先一步改了", "您填的内容没有覆盖别人的。", "请刷新页面，看最新的情况。")
_INCOMPLETE = ("这一步没有完成", "没有保存任何东西，原来的内容都在。", "请回到刚才那一页再试一次。")
_CLASH = ("刚好还有人在办这一步", "您这一步没有执行，原来的内容都在。", "请回到刚才那一页，看看是不是已经办好了。")
CONFLICTS: dict[str, tuple[str, str, str]] = {
    **dict.fromkeys(
        (
            "already_submitted", "answered", "decided", "decided_already", "imported", "invitation_used",
            "listing_decided", "nothing_new", "retired_already", "same_photo", "undone_already",
            "withdrawn_already",
        ),
        _DONE,
    ),
    "changed_meanwhile": _CHANGED, "form": _INCOMPLETE, "clash": _CLASH,
}  # fmt: skip


def error_page(status: int, text: str = "", *, conflict: str = "", retry_after: int = 0) -> Response:
    """The error page, or its fragment for htmx; the title of a 409 goes by the `conflict`'s code."""
    title, safe, action = _PAGES.get(status, _PAGES[400 if status < 500 else 500])
    title, safe, action = CONFLICTS.get(conflict, (title, safe, action))
    back = _way_back()
    body = render_template(
        "errors/_error.html" if wants_fragment() else "errors/staff.html" if _is_staff(status) else "errors/error.html",
        code=status, title=_(title), text=text, safe=_(safe), action=_(action), back=back or "/",
        back_label=_("回到刚才那一页") if back else _("回首页"),
    )  # fmt: skip
    response = make_response(body, status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _is_staff(status: int) -> bool:
    """Whether the page around it is the staff's; where the database may be gone, nothing is asked of it."""
    return status < 500 and not g.get("lean") and current_actor().is_user


def _way_back() -> str:
    """The page of ours that the person came from, if it opens by its address; else nothing."""
    came = urlsplit(request.referrer or "")
    if came.netloc != request.host or (came.path == request.path and request.method == "GET"):
        return ""
    try:
        current_app.url_map.bind(request.host).match(came.path, method="GET")
    except (HTTPException, RequestRedirect):
        return ""
    return came.path + (f"?{came.query}" if came.query else "")


def status_of(error: DomainError) -> int:
    """The HTTP status of a refusal."""
    match error:
        case NotFound():
            return 404
        case NotPermitted():
            return 403
        case Conflict():
            return 409
        case TooMany():
            return 429
        case RuleBroken():
            return 422
        case _:
            return 400


def _database_page(error: DBAPIError) -> Response:
    """Its own words never reach a person."""
    db.session.rollback()
    if isinstance(error, DataError):  # a value the database cannot even read: the sender's, not ours
        return error_page(400)
    if isinstance(error, IntegrityError) and "UNIQUE" in str(error.orig).upper():  # two wrote the same at once
        log.warning("a clash on %s", request.endpoint)
        return error_page(409, conflict="clash")
    log.error("database error on %s: %s", request.endpoint, type(error.orig).__name__)
    busy = type(error.orig).__name__ in ("LockNotAvailable", "QueryCanceled") or "locked" in str(error.orig)
    return error_page(503, retry_after=3) if busy else error_page(500)


def register(app: Flask) -> None:
    """Attach the handlers."""

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> Response:
        wait = error.wait_seconds if isinstance(error, TooMany) else 0
        text = "\n".join(p.message for p in error.problems) if isinstance(error, RuleBroken) else error.message
        return error_page(
            status_of(error), text, conflict=error.code if isinstance(error, Conflict) else "", retry_after=wait
        )

    @app.errorhandler(CSRFError)
    def csrf_error(_error: CSRFError) -> Response:
        return error_page(400, _("页面放得太久，或浏览器不允许保存 Cookie，这一步没有执行。请刷新页面再提交。"))

    @app.errorhandler(RateLimitExceeded)
    def limited(_error: RateLimitExceeded) -> Response:
        return error_page(429, retry_after=60)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        if error.code is not None and error.code < 400:
            return error.get_response()  # type: ignore[return-value]
        own_words = error.description if error.code == 400 and "。" in (error.description or "") else ""
        return error_page(error.code or 500, own_words or "")

    app.register_error_handler(DBAPIError, _database_page)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if app.config["TESTING"] or app.debug:
            raise error
        db.session.rollback()
        log.error("unexpected error on %s", request.endpoint, exc_info=error)
        return error_page(500)
