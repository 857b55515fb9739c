"""The share kit: link, QR picture, and a text to paste."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.kinds import KINDS
from app.activities.models import Activity, ActivityState
from app.activities.queries import UnitRole, units_of
from app.exports import qr
from app.extensions import db
from app.kernel.errors import NotFound
from app.organisation.permissions import Action
from app.web.access import load_activity, requires, settings
from app.web.activities.blueprint import bp, link
from app.web.rendering import clock_text, day_text, local, render, span_text


def public_url(activity: Activity) -> str:
    """The address that a poster's QR holds: short, and of this installation."""
    return f"{settings().base_url}/a/{activity.code}"


def times_lines(activity: Activity) -> list[str]:
    """Each session in a line; sessions of one day stand behind the day."""
    if len(activity.sessions) == 1:
        return [span_text(activity.sessions[0].starts_at, activity.sessions[0].ends_at)]
    days = {local(s.starts_at).date() for s in activity.sessions}
    if len(days) == 1:
        spans = "、".join(f"{clock_text(s.starts_at)}–{clock_text(s.ends_at)}" for s in activity.sessions)
        return [day_text(activity.sessions[0].starts_at), spans]
    return [span_text(s.starts_at, s.ends_at) for s in activity.sessions]


def names_by_part(units: list[UnitRole], *parts: str) -> list[str]:
    return [unit.name for unit in units if unit.part in parts]


def how_to_join(activity: Activity) -> str:
    """In a few words, what who wants to come does."""
    if activity.takes_registration:
        return str(_("点开链接报名，不用注册，不用下载。"))
    if activity.takes_walk_in:
        return str(_("不用报名，到场扫码签到。"))
    return str(_("由单位组织参加，不用报名。"))


def chat_text(activity: Activity, units: list[UnitRole]) -> str:
    """What an organizer pastes into a group chat."""
    hosts = "、".join(names_by_part(units, "host"))
    with_whom = "、".join(names_by_part(units, "co_host"))
    lines = [
        f"【{activity.title}】",
        activity.summary,
        _("时间：%(when)s", when="；".join(times_lines(activity))),
        _("地点：%(venue)s", venue=activity.venue),
        _("主办：%(hosts)s", hosts=hosts) + (_("，协办：%(names)s", names=with_whom) if with_whom else ""),
        _("自带：%(bring)s", bring=activity.bring) if activity.bring else "",
        how_to_join(activity),
        public_url(activity),
    ]
    return "\n".join(line for line in lines if line)


def load_shared(code: str) -> Activity:
    """A published activity of the actor's units; a draft has no link yet."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    if activity.state != ActivityState.PUBLISHED.value or activity.origin != "live":
        raise NotFound(_("这场活动还没有发布，或者已经取消，没有可分享的链接。"))
    return activity


@bp.get("/activities/<code>/share")
@requires(Action.ACTIVITY_EDIT)
def share(code: str) -> Response:
    """Link, QR, poster and a text to paste."""
    activity = load_shared(code)
    units = units_of(db.session(), activity)
    return render(
        "activities/share.html", activity=activity, kind=KINDS[activity.kind], url=public_url(activity),
        qr=qr.matrix(public_url(activity)), text=chat_text(activity, units),
        poster_url=link("activities.poster", code=code), poster_png=link("activities.poster_png", code=code),
        console_url=link("console.show", code=code),
    )  # fmt: skip


@bp.get("/activities/<code>/qr.png")
@requires(Action.ACTIVITY_EDIT)
def qr_png(code: str) -> Response:
    """The QR alone, large enough to print in the corner of one's own poster."""
    activity = load_shared(code)
    response = Response(qr.png(public_url(activity), 24), mimetype="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="qr-{activity.code}.png"'
    return response


@bp.get("/activities/<code>/preview")
@requires(Action.ACTIVITY_EDIT)
def preview(code: str) -> Response:
    """The participant's page of a draft, before anybody else sees it."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    return render(
        "public/preview.html", activity=activity, units=units_of(db.session(), activity), kind=KINDS[activity.kind],
        back=url_for("activities.detail", code=code), lines=times_lines(activity),
    )  # fmt: skip
