"""The helper's scanner: pairing a phone by QR or six digits, the page /scan, its modules and its service worker."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, g, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound as NoFile
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivityState
from app.checkin import devices
from app.checkin.queries import Door, find_door, list_doors
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, TooMany
from app.web.access import current_actor, keys, public
from app.web.assets import STATIC, asset, know, serve_file
from app.web.paired import device_secret, keep_device, paired_device
from app.web.rendering import render
from app.web.six_digits import check_digits, settle_digits
from app.web.venue import asked_digits

bp = Blueprint("scan", __name__)

BEFORE, AFTER = timedelta(hours=24), timedelta(hours=12)  # sessions that digits are searched among
MODULES = STATIC / "js" / "scan"
WORKER = "sw.js"
OLD_CODE = "配对码已过期。请扫控制台上现在的配对码，或填6位数字。"
OVER = {
    "revoked": "这部手机先前的配对已被主办单位作废。要接着扫，请找主办单位重新配对。",
    "expired": "这部手机先前的配对已到期。要接着扫，请重新配对。",
    "ended": "这部手机先前的当班已经结束。要接着扫，请重新配对。",
    "cancelled": "先前配对的那场活动已取消，不用再扫。",
}
WRONG_DIGITS = "数字不对或已过期。请看控制台上现在的6位数字。"


@dataclass(frozen=True, slots=True)
class Pairing:
    """What a pairing QR or its digits stand for."""

    door: Door
    all_sessions: bool
    key: str = ""


@bp.get("/scan")
@public
def show() -> Response:
    """The scanner on a paired phone; else the field for the six digits."""
    moment = now()
    grant = paired_device(moment)
    if grant is None:
        return _ask()
    g.scan_page = True
    activity = db.session.get_one(Activity, grant.activity_id)
    response = render("scan/show.html", grant=grant, activity=activity, version=version(), modules=module_names())
    response.headers["X-Scan"] = "paired"  # only this answer may be kept for when there is no network
    response.headers["X-Scan-Version"] = version()  # and only beside the files of its own version
    return response


@bp.get("/scan/pair")
@public
def ask_pair() -> Response:
    """What the scanned QR pairs this phone for, a name for it, and the button."""
    pairing = _by_key(now(), request.args.get("s", ""), request.args.get("a", ""), request.args.get("k", ""))
    if pairing is None:
        return _ask(OLD_CODE, 404)
    return render("scan/pair.html", pairing=pairing)


@bp.post("/scan/pair")
@public
def pair() -> Response:
    """Makes the grant; the browser gets its secret as a cookie and the page of the scanner."""
    moment, form = now(), request.form
    try:
        pairing = (
            _by_key(moment, form.get("s", ""), form.get("a", ""), form["k"]) if "k" in form else _by_digits(moment)
        )
    except TooMany as many:
        return _ask(many.message + _("不用等：扫控制台上的配对二维码。"), 429)
    if pairing is None:
        return _ask(OLD_CODE, 404) if "k" in form else _ask(WRONG_DIGITS, 422)
    secret = device_secret()
    try:
        with transaction(db.session) as tx:
            grant, fresh = devices.pair_device(
                tx, session_code=pairing.door.code, all_sessions=pairing.all_sessions, label=form.get("label", "")[:80],
                actor=current_actor(), now=moment, before=devices.find_grant(tx, secret) if secret else None,
            )  # fmt: skip
            until = grant.expires_at
    except (Conflict, NotFound) as refused:
        return _ask(refused.message, 409)
    response = redirect(url_for("scan.show"), 303)
    keep_device(response, fresh, until=until, moment=moment)
    return response


def _ask(error: str = "", status: int = 200) -> Response:
    label, over = request.form.get("label", "")[: devices.LABEL_MOST], _why_over(now())
    return render(
        "scan/open.html", error=_(error) if error else "", label=label, over=over, version=version(), status=status
    )


def _why_over(moment: datetime) -> str:
    """Why this browser's pairing holds no more, in words; empty for a phone that was never paired."""
    grant = devices.find_grant(db.session(), device_secret())
    trouble = devices.trouble_of(grant, moment) if grant is not None else ""
    if grant is None or not trouble:
        return ""
    state = db.session.get_one(Activity, grant.activity_id).state
    return OVER["cancelled" if state == ActivityState.CANCELLED.value else trouble]


def _by_key(moment: datetime, session_code: str, scope: str, key: str) -> Pairing | None:
    every = scope == "1"
    door = find_door(db.session(), session_code)
    of = door.activity_id if door is not None else 0
    revoked = devices.count_revoked(db.session(), [of])[of]
    holds = devices.pairing_key_holds(
        keys(), session_code, all_sessions=every, key=key, now=moment, revoked=revoked
    )  # fmt: skip
    return Pairing(door, every, key) if door is not None and holds else None


def _by_digits(moment: datetime) -> Pairing | None:
    """The one near session whose digits these are, the try settled first. Raises TooMany."""
    digits = asked_digits()
    check_digits("pair", now=moment)
    near = list_doors(db.session(), since=moment - AFTER, until=moment + BEFORE) if digits else []
    revoked = devices.count_revoked(db.session(), {door.activity_id for door in near})
    fits = [
        Pairing(door, every)
        for door in near
        for every in (False, True)
        if devices.pairing_pin_holds(
            keys(), door.code, all_sessions=every, pin=digits, now=moment, revoked=revoked[door.activity_id]
        )
    ]
    with transaction(db.session) as tx:
        settle_digits(tx, "pair", right=len(fits) == 1, now=moment)
    return fits[0] if len(fits) == 1 else None


def module_names() -> list[str]:
    """The page's own modules; the worker is served by itself."""
    return sorted(path.name for path in MODULES.glob("*.js") if path.name != WORKER)


def version() -> str:
    """A name for exactly these files, page included: the modules import one another by plain name, so it stands in the path."""
    paths = [
        *sorted(MODULES.glob("*.js")),
        *(STATIC / "css" / name for name in ("shiliu.css", "screen.css", "scan.css")),
    ]
    return hashlib.sha256("".join(know(path).digest for path in paths).encode()).hexdigest()[:12]


@bp.get("/scan/js/<asked>/<name>")
@public
def module(asked: str, name: str) -> Response:
    """One module of the page."""
    if name not in module_names():
        raise NoFile
    return serve_file(MODULES / name, fits=asked == version())


@bp.get("/scan/sw.js")
@public
def worker() -> Response:
    """The service worker, told which files make up the page."""
    files = [url_for("scan.module", asked=version(), name=name) for name in module_names()]
    files += [asset(f"css/{name}") for name in ("shiliu.css", "screen.css", "scan.css")] + [asset("icons/favicon.svg")]
    head = f"const VERSION = {json.dumps(version())};\nconst FILES = {json.dumps(files)};\n"
    response = make_response(head + (MODULES / WORKER).read_text("utf-8"))
    response.mimetype = "text/javascript"
    response.headers["Service-Worker-Allowed"] = "/scan"
    response.headers["Cache-Control"] = "no-cache"
    return response
