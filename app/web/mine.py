"""What this browser remembers: a token for grants, its tickets, by which events it signed others' in. Cookies, no account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer

from app.kernel.tokens import random_secret
from app.web.access import settings

TICKETS_MOST = 20
MARKS_MOST = 20
MARKS_LAST = timedelta(days=30)  # from the first day of a camp to its last
TYPED_LASTS = timedelta(minutes=10)
TYPED_COOKIE = "typed"  # lives under one session's address, which a __Host- name would forbid
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


def own_marks(activity_code: str) -> list[tuple[str, str]]:
    """(event's uid, ticket's key) of what this browser did in the activity without holding a ticket, the oldest first.

    Without a key, the event's registration was named by tail or code. With one, the event is the walk-in of people
    who wait for a place on the ticket of that key.
    """
    return [(uid, key) for code, uid, key in _loads(current_app, request.cookies, "marks") if code == activity_code]


def mark(response: Response, activity_code: str, uid: str, key: str = "") -> None:
    """Know this browser again by an event that it caused; at most 20, the oldest leave first."""
    entry = (activity_code, uid, key)
    kept = [each for each in _loads(current_app, request.cookies, "marks") if each != entry]
    _set(response, "marks", _signer(current_app, "marks").dumps([*kept, entry][-MARKS_MOST:]), MARKS_LAST)


def keep_typed(response: Response, session_code: str, typed: Mapping[str, str]) -> None:
    """What was typed into a page that was too old, for a new scan of the same session in this browser."""
    response.set_cookie(
        TYPED_COOKIE, str(_signer(current_app, "typed").dumps(dict(typed))), max_age=TYPED_LASTS,
        path=f"/s/{session_code}", secure=settings().is_secure, httponly=True, samesite="Lax",
    )  # fmt: skip


def kept_typed() -> dict[str, str]:
    """That, on a page of the same session."""
    try:
        found = _signer(current_app, "typed").loads(request.cookies.get(TYPED_COOKIE, ""))
    except BadSignature:
        return {}
    return {str(name): str(value) for name, value in found.items()}


def drop_typed(response: Response, session_code: str) -> None:
    """It is signed in now."""
    if TYPED_COOKIE in request.cookies:
        response.delete_cookie(
            TYPED_COOKIE, path=f"/s/{session_code}", secure=settings().is_secure, httponly=True, samesite="Lax"
        )


def _name(name: str) -> str:
    return _name_in(current_app, name)


def _name_in(app: Flask, name: str) -> str:
    return f"__Host-{name}" if app.extensions["settings"].is_secure else name


def _signer(app: Flask, name: str) -> URLSafeSerializer:
    signers: dict[str, URLSafeSerializer] = app.extensions.setdefault("mine", {})
    if name not in signers:
        fallbacks: list[str] = app.config.get("SECRET_KEY_FALLBACKS") or []
        signers[name] = URLSafeSerializer([*reversed(fallbacks), app.config["SECRET_KEY"]], salt=name)
    return signers[name]


def _loads(app: Flask, cookies: Mapping[str, str], name: str) -> list[tuple[str, ...]]:
    kept = cookies.get(_name_in(app, name))
    if not kept:
        return []
    try:
        return [tuple(map(str, entry)) for entry in _signer(app, name).loads(kept)]
    except BadSignature:
        return []


def kept_by(app: Flask, cookies: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """What a browser with these cookies is: its token, empty without a valid one, and its tickets, the oldest first.

    The app is an argument, since the hot path asks outside of Flask's contexts.
    """
    token = cookies.get(_name_in(app, "browser"), "")
    tickets = [(code, secret) for code, secret in _loads(app, cookies, "mine")][-TICKETS_MOST:]
    return token if _TOKEN.fullmatch(token) else "", tickets


def _read() -> list[tuple[str, str]]:
    return kept_by(current_app, request.cookies)[1]


def _write(response: Response, pairs: list[tuple[str, str]]) -> None:
    _set(response, "mine", _signer(current_app, "mine").dumps(pairs))


def _set(response: Response, name: str, value: str, lasts: timedelta = LIFETIME) -> None:
    response.set_cookie(
        _name(name), value, max_age=lasts, path="/", secure=settings().is_secure, httponly=True, samesite="Lax"
    )


def register(app: Flask) -> None:
    """Send the token's cookie with the answer that made it."""

    @app.after_request
    def keep_token(response: Response) -> Response:
        if g.get("browser_token_is_new"):
            _set(response, "browser", g.browser_token)
        return response
