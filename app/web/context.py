"""What the layouts show around a page: site, navigation, who, large type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request, url_for

from app.config import Settings
from app.kernel.actor import Actor
from app.organisation.permissions import Action, may
from app.web.access import current_actor
from app.web.jinja import gettext as _

LARGE_COOKIE = "size"
PHONE_PLACES = 4  # the fifth place of the bottom bar is 更多


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the staff navigation; `wide` ones show on a laptop only."""

    label: str
    href: str
    icon: str
    current: bool
    wide: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    district: str
    host: str
    phone: str
    icp: str
    gongan: str
    is_demo: bool
    is_development: bool
    base_url: str


# endpoint, label, icon, action; the first four a role may open stand in the phone's bar
_PLACES: tuple[tuple[str, str, str, Action], ...] = (
    ("review.queue", "审核", "stamp", Action.REVIEW),
    ("home.workbench", "工作台", "tray", Action.ACTIVITY_EDIT),
    ("activities.index", "活动", "cal", Action.ACTIVITY_READ),
    ("activities.new", "新建", "plus", Action.ACTIVITY_EDIT),
    ("audit.index", "审计日志", "chain", Action.AUDIT_READ),
    ("metrics.dashboard", "总览", "chart", Action.FIGURES_READ),
    ("planning.plan", "实施方案", "doc", Action.FIGURES_READ),
    ("progress.establishments", "建设项目", "flag", Action.FIGURES_READ),
    ("activities.programmes", "系列活动", "cal", Action.PROGRAMME_EDIT),
    ("feedback.desk", "投诉建议", "edit", Action.FEEDBACK_ANSWER),
    ("organisation.units", "单位和人员", "users", Action.ORGANISATION_MANAGE),
    ("operations.index", "运行状态", "clock", Action.HEALTH_READ),
)


_STARTS = {place[0] for place in _PLACES}
_ROOMS = dict.fromkeys(
    # The organizer's two pages of a review stand among the activities; the rest of it is the reader's desk.
    ("console", "held", "evidence", "registration", "review.submit", "review.withdraw"),
    "activities",
)
_FIRST = (".index", ".units", ".dashboard", ".plan", ".queue", ".desk")


def navigation(app: Flask, actor: Actor) -> list[NavItem]:
    """The places this actor may open, in one fixed order."""
    items: list[NavItem] = []
    here = request.endpoint or ""
    blueprint = here.split(".")[0]
    room = _ROOMS.get(here) or _ROOMS.get(blueprint, blueprint)
    for endpoint, label, icon, action in _PLACES:
        if not may(actor, action) or endpoint not in app.view_functions:
            continue
        same_room = here not in _STARTS and endpoint.split(".")[0] == room
        items.append(
            NavItem(
                _(label),
                url_for(endpoint),
                icon,
                current=here == endpoint or (same_room and endpoint.endswith(_FIRST)),
                wide=len(items) >= PHONE_PLACES,
            )
        )
    return items


def is_large() -> bool:
    """Large type (适老化): the query or a form's button switches it, a cookie keeps it; no database, no account."""
    return (_asked_size() or request.cookies.get(LARGE_COOKIE)) == "large"


def read_size() -> bool:
    """Whether this form was sent for the other size alone, and nothing in it may count."""
    g.asked_size = request.form.get("size", "")
    return "size" in request.form


def _asked_size() -> str:
    asked = str(g.get("asked_size") or request.args.get("size", ""))
    return asked if asked in ("large", "normal") else ""


def register(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    site = Site(
        name="石榴红活动平台",
        district=settings.district,
        host=settings.site_host,
        phone=settings.site_phone,
        icp=settings.icp_number,
        gongan=settings.gongan_number,
        is_demo=settings.demo,
        is_development=settings.env == "development",
        base_url=settings.base_url,
    )

    @app.context_processor
    def around() -> dict[str, Any]:
        actor = current_actor() if not g.get("lean") else None
        staff = actor if actor is not None and actor.is_user else None
        return {
            "site": site,
            "actor": staff,
            "large": is_large(),
            "lang": "zh-CN",
            "who": [staff.unit_name, "、".join(staff.role_names)] if staff else [],
            "nav": navigation(app, staff) if staff else [],
            "settings_assets": {"mode": settings.assets, "cdn": settings.assets_cdn},
        }

    @app.after_request
    def keep_large(response: Response) -> Response:
        if asked := _asked_size():
            # Not HttpOnly: size.js changes it in place, so that nothing typed is lost.
            response.set_cookie(LARGE_COOKIE, asked, max_age=365 * 86400, samesite="Lax", secure=settings.is_secure)
        return response
