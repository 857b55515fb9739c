"""Page or fragment, Jinja filters and globals: how anything becomes HTML."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from flask import Flask, Response, g, make_response, render_template, request
from markupsafe import Markup, escape

from app.kernel.clock import SHANGHAI

WEEKDAYS = "一二三四五六日"


def wants_fragment() -> bool:
    """Whether htmx asks for a part: not on history restore, not when boosted."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-History-Restore-Request") != "true"
        and headers.get("HX-Boosted") != "true"
    )


def render(
    page: str, fragment: str | None = None, /, *, status: int = 200, event: str = "", **context: Any
) -> Response:
    """The fragment when htmx asks for one, else the page; `event` becomes HX-Trigger."""
    template = fragment if fragment and wants_fragment() else page
    response = make_response(render_template(template, **context), status)
    response.headers["Vary"] = "HX-Request, Cookie"
    if event:
        response.headers["HX-Trigger"] = event
    return response


def staff_page() -> None:
    """Mark this answer as a staff page: it may load the CDN's htmx."""
    g.staff_page = True


def local(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def day_text(value: date | datetime, *, year: bool = False) -> str:
    """`10月21日 周六`; the year in front only when asked."""
    day = local(value).date() if isinstance(value, datetime) else value
    front = f"{day.year}年" if year else ""
    return f"{front}{day.month}月{day.day}日 周{WEEKDAYS[day.weekday()]}"


def clock_text(moment: datetime) -> str:
    return _stamp(moment)[11:]


def near_text(moment: datetime, today: datetime) -> str:
    """`09:00`, with the day in front when that is not today."""
    if local(moment).date() == local(today).date():
        return clock_text(moment)
    return f"{day_text(moment)} {clock_text(moment)}"


@lru_cache(256)
def _stamp(moment: datetime) -> str:
    """`2026-10-21T09:00`; a page says the same moment several times, and strftime takes five times as long."""
    return local(moment).isoformat(timespec="minutes")[:16]


def _time(stamp: str, text: str) -> Markup:
    return Markup(f'<time datetime="{stamp}">{text}</time>')  # noqa: S704 - digits and our own words only


def when(moment: datetime | None) -> Markup | str:
    """`10月21日 周六 09:00`, with the year when it is not this year's."""
    if moment is None:
        return ""
    year = local(moment).year != local(datetime.now(SHANGHAI)).year
    return _time(_stamp(moment), f"{day_text(moment, year=year)} {clock_text(moment)}")


def day(value: date | datetime | None) -> Markup | str:
    """`10月21日 周六`."""
    if value is None:
        return ""
    actual = local(value).date() if isinstance(value, datetime) else value
    year = actual.year != datetime.now(SHANGHAI).year
    return _time(actual.isoformat(), day_text(actual, year=year))


def clock(moment: datetime | None) -> Markup | str:
    """`09:00`."""
    if moment is None:
        return ""
    return _time(_stamp(moment), clock_text(moment))


def span_text(start: datetime, end: datetime) -> str:
    """`10月21日 周六 09:00–10:00`, across days both dates."""
    start, end = local(start), local(end)
    first = f"{day_text(start, year=start.year != datetime.now(SHANGHAI).year)} {clock_text(start)}"
    if start.date() == end.date():
        return f"{first}–{clock_text(end)}"
    return f"{first}–{day_text(end)} {end:%H:%M}"


def span(start: datetime | None, end: datetime | None) -> Markup | str:
    if start is None or end is None:
        return ""
    return _time(_stamp(start), span_text(start, end))


def clock_span(start: datetime, end: datetime) -> Markup:
    """`09:00–10:00`."""
    return _time(_stamp(start), f"{clock_text(start)}–{clock_text(end)}")


def number(value: int | None) -> str:
    """Thousands separated: `11,670`."""
    return "" if value is None else f"{value:,}"


def percent(part: int, whole: int) -> str:
    """Whole percent, rounded half up; nothing is 0% of nothing."""
    return f"{(200 * part + whole) // (2 * whole)}%" if whole else "0%"


def lines(text: str) -> Markup:
    """Plain text with its line breaks, escaped."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())


def register(app: Flask) -> None:
    """Jinja filters: when, day, clock, span, clock_span, n, percent, lines."""
    app.jinja_env.filters.update(when=when, day=day, clock=clock, n=number, lines=lines, day_text=day_text)
    app.jinja_env.globals.update(span=span, clock_span=clock_span, percent=percent)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
