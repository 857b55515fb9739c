"""A party's number far above the registered one is asked once more, whoever types it, before anything is written."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from app.checkin.rules import is_far_above
from app.registration.models import Registration, RegistrationKind
from app.web.rendering import render

_LEFT_OUT = ("csrf_token", "sure")


def ask_if_sure(registration: Registration, people: int | None, back: str) -> Response | None:
    """The page that asks and sends the same form again; None where there is nothing to ask, or it was answered."""
    is_party = registration.kind == RegistrationKind.PARTY.value
    if not is_party or people is None or not is_far_above(people, registration.headcount):
        return None
    if request.form.get("sure") == str(people):
        return None
    fields = [(name, value) for name, value in request.form.items() if name not in _LEFT_OUT]
    return render(
        "checkin/sure.html", action=request.path, fields=[*fields, ("sure", str(people))], people=people,
        expected=registration.headcount, back=back,
    )  # fmt: skip
