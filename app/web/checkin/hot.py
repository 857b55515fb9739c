"""The hot path: the venue's button, answered before Flask sees it; whatever is not plain goes on to the view."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, g
from flask_babel import gettext
from sqlalchemy.exc import DBAPIError
from werkzeug.http import parse_cookie

from app.checkin import codes
from app.checkin.group_commit import GroupCommit
from app.checkin.rules import ASKED
from app.config import Settings
from app.extensions import db
from app.kernel.clock import now
from app.kernel.errors import DomainError
from app.kernel.keys import KeyRing
from app.web import mine
from app.web.checkin.press import TEMPLATE, Answer, Kept, Refused, Words, answer_of, plain_arrival
from app.web.context import LARGE_COOKIE
from app.web.headers import Skin
from app.web.shells import Shell, cut_shell

log = logging.getLogger("shiliu.web")

PREFIX = "/s/"
BODY_MOST = 8192
FIELDS_MOST = 20
WAYS = ("mine", "class", "walk_in")
ANSWERED_PER_REQUEST = ("Content-Length", "Content-Encoding", "Set-Cookie")
Start = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Press:
    """One press of the button, understood without a database."""

    grant: codes.Grant
    form: dict[str, str]
    browser: str
    kept: Kept
    is_large: bool


class HotPath:
    """Wraps the app's WSGI callable.

    A press is answered here when its grant holds: the grant is a MAC over this browser's own cookie, so it also
    shows that the press comes from a page of ours (docs/decisions/0011-hot-path.md). What cannot be answered here,
    and what fails, goes on to the view with its body, which says why in words.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app, self._inner, self._skin = app, app.wsgi_app, Skin(settings)
        self._keys: KeyRing = app.extensions["keys"]
        self._commit: GroupCommit | None = None
        self._words: Words
        self._shells: dict[Any, tuple[Shell, list[tuple[str, str]]]] = {}

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "POST" and environ["PATH_INFO"].startswith(PREFIX):
            answered = self._try(environ)
            if answered is not None:
                status, headers, body = answered
                start(status, headers)
                return [body]
        return self._inner(environ, start)

    def _try(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes] | None:
        moment = now()
        press = self._read(environ, moment)
        if press is None:
            return None
        group = self._group()
        try:
            arrival = plain_arrival(press.grant, press.form, kept=press.kept, browser=press.browser, keys=self._keys)
            result = group.check_in(arrival, now=moment)
        except (Refused, DomainError):
            return None
        except (DBAPIError, group.driver_error) as error:
            log.error("check-in goes on to the view: %s", type(error).__name__)
            return None
        if result.outcome == ASKED:  # the view asks
            return None
        answer = answer_of(result, self._words, press.form, is_own=True, kept=press.kept)
        return self._answer(answer, press.is_large)

    def _group(self) -> GroupCommit:
        if self._commit is None:
            with self._app.app_context():
                self._words = replace(Words.now(), say=self._say)
                self._commit = GroupCommit(db.engine)  # last: another thread takes it for the sign that all is here
        return self._commit

    def _say(self, sentence: str) -> str:
        with self._app.app_context():
            return str(gettext(sentence))

    def _read(self, environ: dict[str, Any], moment: datetime) -> Press | None:
        """The press, or None when Flask has to look at it; the body can be read again."""
        length = environ.get("CONTENT_LENGTH") or "0"
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0]
        if (
            kind != "application/x-www-form-urlencoded" or environ.get("QUERY_STRING") or not length.isdigit()
            or int(length) > BODY_MOST or not self._is_ours(environ)
        ):  # fmt: skip
            return None
        body = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(body)
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MOST, errors="strict")
        except ValueError:
            return None
        form = dict(reversed(pairs))  # the first of a name counts
        cookies = parse_cookie(environ.get("HTTP_COOKIE", ""))
        browser, kept = mine.kept_by(self._app, cookies)
        grant = codes.read_grant(self._keys, form.get("grant", "")[:300], browser=browser) if browser else None
        if (
            grant is None or not grant.holds(moment) or grant.session_code != environ["PATH_INFO"][len(PREFIX) :]
            or form.get("way") not in WAYS or "size" in form or mine.TYPED_COOKIE in cookies
            or "\x00" in "".join(form.values())
        ):  # fmt: skip
            return None
        return Press(grant, form, browser, kept, cookies.get(LARGE_COOKIE) == "large")

    def _is_ours(self, environ: dict[str, Any]) -> bool:
        host, site = environ.get("HTTP_HOST", ""), environ.get("HTTP_SEC_FETCH_SITE", "")
        skin, origin = self._skin, environ.get("HTTP_ORIGIN", "")
        return skin.is_own_host(host) and skin.is_own_page(host, fetch_site=site, origin=origin)

    def _answer(self, answer: Answer, is_large: bool) -> tuple[str, list[tuple[str, str]], bytes]:
        key = (answer.kind, is_large, *(bool(value) for value in answer.values.values()))
        if key not in self._shells:
            self._shells[key] = self._cut(answer, is_large)
        shell, headers = self._shells[key]
        # As it is: the page fits into the first packets of a connection, and packing takes a tenth of the whole time.
        body = shell.fill(answer.values).encode()
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        return status, [*headers, ("Content-Length", str(len(body)))], body

    def _cut(self, answer: Answer, is_large: bool) -> tuple[Shell, list[tuple[str, str]]]:
        """The page with gaps, and the headers that every answer of this app gets: both once, from Flask itself."""
        # A request of nobody's: what somebody's session holds must not stay in the page of all.
        cookie = {"Cookie": f"{LARGE_COOKIE}=large"} if is_large else {}
        with self._app.test_request_context(PREFIX, method="POST", headers=cookie):
            g.lean = True
            shell = cut_shell(TEMPLATE, answer.values, kind=answer.kind)
            response = self._app.process_response(Response("", mimetype="text/html"))
        response.vary.update(("HX-Request", "Cookie"))
        return shell, [pair for pair in response.headers if pair[0] not in ANSWERED_PER_REQUEST]


def register(app: Flask, settings: Settings) -> None:
    """Must come last: nothing of the app's own stands in front of it."""
    app.wsgi_app = HotPath(app, settings)  # type: ignore[assignment, method-assign]
