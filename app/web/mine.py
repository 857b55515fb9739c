"""What this browser remembers: a random token for grants, and the tickets it got. Cookies, no account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from app.kernel.tokens import random_secret
from app.web.access import settings

TICKETS_MOST = 20
LIFETIME = timedelta(days=200)  # a little longer than the longest retention (180 days after the last session)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def browser_token() -> str:
    """This browser's random token, made on first use; the answer carries it as a cookie. Writes nothing else."""
    if "browser_token" not in g:
        kept = request.cookies.get(_name("browser"), "")
        known = _TOKEN.fullmatch(kept) is not None
        g.browser_token = kept if known else random_secret()
        g.browser_token_is_new = not known
    token: str = g.browser_token
    return token


def own_tickets(activity_code: str) -> list[str]:
    """Secrets of this browser's tickets for the activity, the latest first."""
    return [secret for code, secret in reversed(_read()) if code == activity_code]


def all_tickets() -> list[tuple[str, str]]:
    """(activity code, secret) of every ticket of this browser, the latest first."""
    return list(reversed(_read()))


def remember(response: Response, activity_code: str, secret: str) -> None:
    """Keep a ticket on this browser; at most 20, the oldest leave first."""
    kept = [pair for pair in _read() if pair[1] != secret]
    _write(response, [*kept, (activity_code, secret)][-TICKETS_MOST:])


def forget(response: Response, secret: str) -> None:
    """Take a ticket off this browser."""
    kept = _read()
    left = [pair for pair in kept if pair[1] != secret]
    if len(left) != len(kept):
        _write(response, left)


def _name(name: str) -> str:
    return _name_in(current_app, name)


def _name_in(app: Flask, name: str) -> str:
    return f"__Host-{name}" if app.extensions["settings"].is_secure else name


def _signer(app: Flask) -> URLSafeSerializer:
    found: URLSafeSerializer | None = app.extensions.get("mine")
    if found is None:
        fallbacks: list[str] = app.config.get("SECRET_KEY_FALLBACKS") or []
        found = app.extensions["mine"] = URLSafeSerializer(
            [*reversed(fallbacks), app.config["SECRET_KEY"]], salt="mine"
        )
    return found


def kept_by(app: Flask, cookies: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """What a browser with these cookies is: its token, empty without a valid one, and its tickets, the oldest first.

    The app is an argument, since the hot path asks outside of Flask's contexts.
    """
    token = cookies.get(_name_in(app, "browser"), "")
    kept = cookies.get(_name_in(app, "mine"))
    if not kept:
        return token if _TOKEN.fullmatch(token) else "", []
    try:
        pairs = _signer(app).loads(kept)
    except BadSignature:
        pairs = []
    tickets = [(str(code), str(secret)) for code, secret in pairs][-TICKETS_MOST:]
    return token if _TOKEN.fullmatch(token) else "", tickets


def _read() -> list[tuple[str, str]]:
    return kept_by(current_app, request.cookies)[1]


def _write(response: Response, pairs: list[tuple[str, str]]) -> None:
    _set(response, "mine", _signer(current_app).dumps(pairs))


def _set(response: Response, name: str, value: str) -> None:
    response.set_cookie(
        _name(name), value, max_age=LIFETIME, path="/", secure=settings().is_secure, httponly=True, samesite="Lax"
    )


def register(app: Flask) -> None:
    """Send the token's cookie with the answer that made it."""

    @app.after_request
    def keep_token(response: Response) -> Response:
        if g.get("browser_token_is_new"):
            _set(response, "browser", g.browser_token)
        return response
