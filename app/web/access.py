"""Who is asking and what they may: sign-in, access rules of endpoints, loaders that permit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_login import UserMixin
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.activities.models import Activity
from app.config import Settings
from app.extensions import db, login_manager
from app.kernel.actor import ANONYMOUS, Actor
from app.kernel.attempts import attempt_key
from app.kernel.clock import now
from app.kernel.errors import NotFound, NotPermitted
from app.kernel.keys import KeyRing
from app.kernel.network import network_of
from app.organisation.models import Unit
from app.organisation.permissions import Action, may, may_at
from app.organisation.queries import load_actor

View = TypeVar("View", bound=Callable[..., Any])
IDLE_SECONDS = 30 * 60  # trust.md: idle 30 min
SIGN_IN_COOKIE = "sign_in"


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def keys() -> KeyRing:
    ring: KeyRing = current_app.extensions["keys"]
    return ring


class SignedInUser(UserMixin):  # type: ignore[misc]
    """What Flask-Login carries: our Actor, nothing of the ORM."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.id = actor.user_code


@login_manager.request_loader
def _load_from_request(_request: Any) -> SignedInUser | None:
    actor = current_actor()
    return SignedInUser(actor) if actor.is_user else None


def address_key(*parts: str) -> str:
    """Under what the tries of whoever asks are counted: the network, with what else is said."""
    return attempt_key(*parts, network_of(request.remote_addr or ""))


def current_actor() -> Actor:
    """The acting person of this request; read once, a plain value."""
    if "actor" not in g:
        g.actor = _read_actor()
    found: Actor = g.actor
    return found


def _read_actor() -> Actor:
    secret = session.get(SIGN_IN_COOKIE)
    seen = session.get("seen", 0)
    moment = now()
    if not secret or moment.timestamp() - seen > IDLE_SECONDS:
        return ANONYMOUS
    actor = load_actor(db.session(), secret, now=moment)
    if actor is None:
        return ANONYMOUS
    # The idle clock lives in the signed cookie: a GET must not write to the database.
    if moment.timestamp() - seen > 60:
        session["seen"] = int(moment.timestamp())
    return actor


def public(view: View) -> View:
    """Anyone may open this endpoint."""
    view.access_rule = "public"  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Any account may open this endpoint."""

    @functools.wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not current_actor().is_user:
            return to_sign_in()
        return view(*args, **kwargs)

    wrapped.access_rule = "signed_in"  # type: ignore[attr-defined]
    return wrapped  # type: ignore[return-value]


def requires(action: Action) -> Callable[[View], View]:
    """Only an account that may do this somewhere; the object itself is checked by its loader."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            actor = current_actor()
            if not actor.is_user:
                return to_sign_in()
            if not may(actor, action):
                raise NotPermitted
            return view(*args, **kwargs)

        wrapped.access_rule = action  # type: ignore[attr-defined]
        return wrapped  # type: ignore[return-value]

    return decorate


def to_sign_in() -> Response:
    """To the sign-in page; `next` is an endpoint and its arguments, never an address."""
    if request.method == "GET" and request.endpoint and not request.headers.get("HX-Request"):
        session["next"] = [request.endpoint, dict(request.view_args or {})]
    target = url_for("auth.login")
    if request.headers.get("HX-Request"):
        response = Response(status=204)
        response.headers["HX-Redirect"] = target
        return response
    return redirect(target)


def load_activity(code: str, action: Action) -> Activity:
    """The activity, if this actor may do this at its host (co-hosts read by web/activities/blueprint).

    Raises NotFound for an absent and a foreign one alike.
    """
    row = db.session.execute(
        select(Activity, Unit.path).join(Unit, Unit.id == Activity.host_unit_id).where(Activity.code == code)
    ).first()
    if row is None or not may_at(current_actor(), action, row.path):
        raise NotFound("没有找到这场活动，或者它不归您的单位管。")
    activity: Activity = row.Activity
    return activity


def load_unit(code: str, action: Action) -> Unit:
    """The unit, if this actor may do this there. Raises NotFound otherwise."""
    unit = db.session.scalar(select(Unit).where(Unit.code == code))
    if unit is None or not may_at(current_actor(), action, unit.path):
        raise NotFound("没有找到这个单位，或者它不归您管。")
    return unit


def check_every_endpoint(app: Flask) -> None:
    """Refuse to start when an endpoint has no access rule (default deny)."""
    app.view_functions["static"].access_rule = "public"  # type: ignore[attr-defined, union-attr]
    naked = sorted(endpoint for endpoint, view in app.view_functions.items() if not hasattr(view, "access_rule"))
    if naked:
        raise RuntimeError("endpoints without an access rule: " + ", ".join(naked))
