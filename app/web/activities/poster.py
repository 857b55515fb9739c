"""The poster of an activity: print page and pictures, filled from what the activity says."""

from __future__ import annotations

import re

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity
from app.activities.queries import UnitRole, units_of
from app.exports import qr
from app.exports.poster import PosterInput, Size, poster_png, poster_warnings
from app.extensions import db, limiter
from app.organisation.permissions import Action
from app.web.access import requires
from app.web.activities.blueprint import bp
from app.web.activities.share import load_shared, names_by_part, public_url, times_lines
from app.web.rendering import render

TAGLINE_MOST = 48


def _tagline(summary: str) -> str:
    """The first sentence, since a poster is read in passing."""
    first = re.split(r"(?<=[。！？!?])", summary.replace("\n", ""), maxsplit=1)[0].rstrip("。")
    return first if len(first) <= TAGLINE_MOST else first[: TAGLINE_MOST - 1] + "…"


def poster_of(activity: Activity, units: list[UnitRole]) -> PosterInput:
    """What the poster says. The place stands large up to its first comma, the rest below it."""
    venue, _comma, note = activity.venue.partition("，")
    if activity.takes_registration:
        call, notes = _("微信扫码报名"), [_("不用注册，不用下载，留个称呼就行")]
    elif activity.takes_walk_in:
        call, notes = _("不用报名，到场扫码签到"), [_("扫左边的码看详情")]
    else:
        call, notes = _("扫码看详情"), [_("由学校或单位统一组织")]
    if activity.takes_registration and activity.takes_walk_in:
        notes.append(_("没报名也能来，到场扫码签到"))
    if activity.bring:
        notes.append(_("自带：%(bring)s", bring=activity.bring))
    return PosterInput(
        title=activity.title, url=public_url(activity), when_lines=times_lines(activity), venue=venue, venue_note=note,
        tagline=_tagline(activity.summary), host="、".join(names_by_part(units, "host")),
        co_hosts=names_by_part(units, "co_host"), call_line=call, notes_lines=notes, scene=activity.kind,
        serial=activity.code,
    )  # fmt: skip


@bp.get("/activities/<code>/poster")
@requires(Action.ACTIVITY_EDIT)
def poster(code: str) -> Response:
    """One A4 page for the browser's printer."""
    activity = load_shared(code)
    found = poster_of(activity, units_of(db.session(), activity))
    return render(
        "activities/poster.html", poster=found, qr=qr.matrix(found.url, "Q"), activity_code=code,
        warnings=poster_warnings(found),
    )  # fmt: skip


@bp.get("/activities/<code>/poster.png", endpoint="poster_png")
@requires(Action.ACTIVITY_EDIT)
@limiter.limit("20/minute")
def poster_png_file(code: str) -> Response:
    """`?size=chat` for chats, `a4` (300 dpi) for a print shop."""
    activity = load_shared(code)
    size: Size = "a4" if request.args.get("size") == "a4" else "chat"
    picture = poster_png(poster_of(activity, units_of(db.session(), activity)), size)
    response = Response(picture, mimetype="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="poster-{size}-{code}.png"'
    return response
