"""The cookie of a helper's phone: the secret of its grant, out of reach of scripts."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import request
from werkzeug.wrappers import Response

from app.checkin.devices import find_device
from app.checkin.models import DeviceGrant
from app.extensions import db
from app.web.access import settings

HANDS_IN = timedelta(days=7)  # after the pairing has run out, so that what still waits on the phone can come in


def device_cookie() -> str:
    """The cookie's name; behind https the browser itself binds it to this host."""
    return "__Host-device" if settings().is_secure else "device"


def device_secret() -> str:
    """What this browser holds; empty when it was never paired."""
    return request.cookies.get(device_cookie(), "")


def paired_device(moment: datetime) -> DeviceGrant | None:
    """The grant of this browser while it holds."""
    secret = device_secret()
    return find_device(db.session(), secret, moment) if secret else None


def keep_device(response: Response, secret: str, *, until: datetime, moment: datetime) -> None:
    """This browser is that phone now."""
    response.set_cookie(
        device_cookie(), secret, max_age=until - moment + HANDS_IN, path="/", secure=settings().is_secure, httponly=True,
        samesite="Lax",
    )  # fmt: skip


def forget_device(response: Response) -> None:
    """This browser is no helper's phone any more."""
    response.delete_cookie(device_cookie(), path="/", secure=settings().is_secure, httponly=True, samesite="Lax")
