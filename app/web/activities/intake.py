"""From a submitted form to ActivityInput and back: dates, numbers and codes read, errors put beside the fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext as _

from app.activities.kinds import KINDS
from app.activities.models import Activity, Attendance, Audience, HeritageItem, Programme, UnitPart
from app.activities.programmes import list_programmes
from app.activities.queries import list_heritage_items, task_choices
from app.activities.rules import PlannedSession
from app.activities.service import ActivityInput
from app.extensions import db
from app.kernel.clock import shanghai
from app.kernel.errors import Problem
from app.kernel.text import ascii_digits, clean, one_line
from app.organisation.models import Unit, UnitKind
from app.organisation.permissions import Action, reach
from app.organisation.queries import list_units
from app.web.access import current_actor
from app.web.activities.forms import COUNT_LABELS, ActivityForm
from app.web.rendering import local

TYPED_MOST = 10_000
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_CLOCK = re.compile(r"(\d{1,2})\s*[:.时点]?\s*(\d{2})\s*分?")


def read_day(text: str) -> date | None:
    """A Shanghai date as typed: 2026-11-24, 2026/11/24, 2026年11月24日, full-width too; none of another century."""
    found = _DAY.fullmatch(ascii_digits(clean(text)))
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year < 2100 else None


def read_clock(text: str) -> time | None:
    """A time of day as typed: 9:00, 09.00, 0900, 9点30分, full-width too."""
    found = _CLOCK.fullmatch(ascii_digits(clean(text)))
    try:
        return time(int(found[1]), int(found[2])) if found else None
    except ValueError:
        return None


def read_number(text: str | None, *, most: int = 100_000) -> int | None:
    """A whole number from 0, None for nothing typed. Raises ValueError."""
    plain = ascii_digits(clean(text or "")).replace(",", "").strip()
    if not plain:
        return None
    if not re.fullmatch(r"[0-9]{1,7}", plain) or int(plain) > most:
        raise ValueError
    return int(plain)


@dataclass
class Choices:
    """What the selects offer; four statements. `joined` are co-hosts that stand, of whatever kind."""

    units: list[Unit]
    hosts: list[Unit]
    tasks: list[tuple[int, int, str]]
    items: list[HeritageItem]
    programmes: list[Programme]
    joined: frozenset[int] = frozenset()

    def unit_id(self, code: str | None) -> int | None:
        return next((u.id for u in self.units if u.code == code), None)

    def task_id(self, number: str | None) -> int | None:
        return next((task[0] for task in self.tasks if str(task[1]) == number), None)

    def programme_id(self, code: str | None) -> int | None:
        return next((p.id for p in self.programmes if p.code == code), None)


def load_choices(activity: Activity | None = None) -> Choices:
    """Units in the plan's order; hosts are those the actor may edit for, the own unit first.

    Units of `activity` are offered even where they are retired by now: what is not offered would be lost on saving.
    """
    session, actor = db.session(), current_actor()
    units = list_units(session)
    paths = reach(actor, Action.ACTIVITY_EDIT)
    hosts = [u for u in units if paths is None or any(u.path.startswith(path) for path in paths)]
    hosts.sort(key=lambda u: u.id != actor.unit_id)
    joined: frozenset[int] = frozenset()
    if activity is not None:
        joined = frozenset(u.unit_id for u in activity.units if u.part == UnitPart.CO_HOST.value)
        wanted = {activity.venue_unit_id, *(u.unit_id for u in activity.units)} - {None, *(u.id for u in units)}
        if wanted:
            units += [unit for unit in list_units(session, with_retired=True) if unit.id in wanted]
    items, programmes = list_heritage_items(session), list_programmes(session)
    tasks = task_choices(session, beside=activity.primary_task_id if activity else None)
    return Choices(units, hosts, tasks, items, programmes, joined)


def offer(form: ActivityForm, choices: Choices) -> None:
    """Put the choices into the selects; the kind decides which places it may be at."""
    kind = KINDS.get(form.kind.data or "")
    needs_school = kind is not None and kind.needs_school
    places = [u for u in choices.units if u.kind == UnitKind.SCHOOL.value or not needs_school]
    form.venue_unit.choices = [
        ("", _("请选") if needs_school else _("不在某个单位里")),
        *((u.code, u.name) for u in places),
    ]
    form.host.choices = [(u.code, u.name) for u in choices.hosts]
    form.co_hosts.choices = [
        (u.code, u.name) for u in choices.units if u.kind != UnitKind.SCHOOL.value or u.id in choices.joined
    ]
    form.taking_part.choices = [
        (u.code, u.name) for u in choices.units if u.kind not in (UnitKind.OFFICE.value, UnitKind.DISTRICT.value)
    ]
    form.primary_task.choices = [("", _("先不归口")), *((str(n), f"{n} {t}") for _id, n, t in choices.tasks)]
    form.related.choices = [(str(n), f"{n} {t}") for _id, n, t in choices.tasks]
    form.programme.choices = [("", _("不属于系列")), *((p.code, p.title) for p in choices.programmes)]


def preset(form: ActivityForm, kind_key: str) -> None:
    """What the template of a kind fills in."""
    kind = KINDS[kind_key]
    form.kind.data = form.drawn.data = kind_key
    form.primary_task.data = str(kind.default_task)
    form.related.data = [str(number) for number in kind.related_tasks]
    form.takes_registration.data, form.takes_walk_in.data = kind.individual, kind.walk_in


@dataclass
class Intake:
    """Reads one form; `errors` are problems by field, to be attached like those of the rules."""

    form: ActivityForm
    choices: Choices
    errors: list[Problem] = field(default_factory=list)

    def _fail(self, name: str, message: str) -> None:
        self.errors.append(Problem(f"{name}_wrong", message, field=name))

    def _number(self, name: str, label: str, default: int | None = None, *, most: int = 100_000) -> int | None:
        try:
            found = read_number(self.form[name].data, most=most)
        except ValueError:
            self._fail(name, _("%(label)s请填0到%(most)s的整数。", label=label, most=most))
            return default
        return default if found is None else found

    def read(self, *, host_unit_id: int | None = None, is_paper: bool = False) -> ActivityInput | None:
        """The input, or None when the form holds what cannot be read."""
        form, choices = self.form, self.choices
        if any(isinstance(f.data, str) and len(f.data) > TYPED_MOST for f in form):
            self._fail("title", _("有一栏写得太长了，请短一点。"))
            return None
        kind = KINDS.get(form.kind.data or "")
        if kind is None:
            self._fail("kind", _("请先选类型。"))
            return None
        host_id = host_unit_id or self._host()
        venue_unit_id = choices.unit_id(form.venue_unit.data)
        data = ActivityInput(
            kind=kind.key, title=form.title.data or "", host_unit_id=host_id, venue=self._venue(venue_unit_id),
            sessions=self._sessions(), audience=self._audience(), summary=form.summary.data or "",
            bring=form.bring.data or "", attendance=self._attendance(),
            primary_task_id=choices.task_id(form.primary_task.data),
            related_task_ids=tuple(i for i in map(choices.task_id, form.related.data or []) if i),
            co_host_ids=self._units("co_hosts"), taking_part_ids=self._units("taking_part"),
            venue_unit_id=venue_unit_id, programme_id=choices.programme_id(form.programme.data),
            details={d.key: form[f"detail_{d.key}"].data or "" for d in kind.details if f"detail_{d.key}" in form},
            **{n: self._number(n, COUNT_LABELS[n], 0) if n in kind.counts else 0 for n in COUNT_LABELS},  # type: ignore[arg-type]
            takes_registration=bool(form.takes_registration.data), takes_walk_in=bool(form.takes_walk_in.data),
            needs_phone=bool(form.needs_phone.data), printed_code_on=bool(form.printed_code_on.data),
            opens_before_min=self._number("opens_before", _("分钟数"), 60, most=1440) or 0,
            closes_after_min=self._number("closes_after", _("分钟数"), 30, most=1440) or 0,
            is_paper=is_paper, keeps_apart=bool(form.keeps_apart.data),
        )  # fmt: skip
        return None if self.errors else data

    def _host(self) -> int:
        hosts = self.choices.hosts
        wanted = self.form.host.data
        chosen = next((u for u in hosts if u.code == wanted), None) if wanted else (hosts[0] if hosts else None)
        if chosen is None:
            self._fail("host", _("请从列表里选主办单位。"))
            return 0
        return chosen.id

    def _venue(self, venue_unit_id: int | None) -> str:
        """Where a class is visited, the school is the place unless something is written."""
        written = one_line(self.form.venue.data or "")
        if written or venue_unit_id is None:
            return written
        return next(u.name for u in self.choices.units if u.id == venue_unit_id)

    def _audience(self) -> Audience:
        try:
            return Audience(self.form.audience.data or Audience.LINK.value)
        except ValueError:
            self._fail("audience", _("请从列表里选。"))
            return Audience.LINK

    def _attendance(self) -> Attendance:
        try:
            return Attendance(self.form.attendance.data or Attendance.ALL.value)
        except ValueError:
            self._fail("attendance", _("请从列表里选。"))
            return Attendance.ALL

    def _units(self, name: str) -> tuple[int, ...]:
        wanted = self.form[name].data or []
        found = tuple(i for i in map(self.choices.unit_id, wanted) if i)
        if len(found) != len(wanted):
            self._fail(name, _("选的单位有的已停用，请看一遍再保存。"))
        return found

    def _sessions(self) -> tuple[PlannedSession, ...]:
        form = self.form
        rows: list[tuple[str, Any]] = [("", form)]
        rows += [(_("第%(n)s场", n=n), entry.form) for n, entry in enumerate(form.more, start=2)]
        last_day: date | None = None
        found = []
        for where, row in rows:
            if where and not any(one_line(row[name].data or "") for name in ("date", "start", "end")):
                continue
            if not where and not one_line(row.date.data or ""):
                continue  # a draft may have no day yet; publishing asks for it
            session = self._session(where, row, last_day)
            if session is not None:
                found.append(session)
                last_day = local(session.starts_at).date()
        return tuple(found)

    def _session(self, where: str, row: Any, last_day: date | None) -> PlannedSession | None:
        day = read_day(row.date.data or "") if one_line(row.date.data or "") else last_day
        start, end = read_clock(row.start.data or ""), read_clock(row.end.data or "")
        until = read_day(row.until.data) if one_line(row.until.data or "") else day
        for name, value, message in (
            ("date", day, _("日期没看懂，请写成 2026-11-24 这样。")),
            ("start", start, _("开始时间没看懂，请写成 09:00 这样。")),
            ("end", end, _("结束时间没看懂，请写成 10:30 这样。")),
            ("until", until or not one_line(row.until.data or ""), _("结束日期没看懂，请写成 2026-11-24 这样。")),
        ):
            if not value:
                self._fail(f"more-{name}" if where else name, f"{where}{message}")
        try:
            capacity = read_number(row.capacity.data)
        except ValueError:
            self._fail("more-capacity" if where else "capacity", f"{where}" + _("名额请填整数；不限就留空。"))
            return None
        if day is None or start is None or end is None or until is None:
            return None
        return PlannedSession(shanghai(day, start), shanghai(until, end), capacity, one_line(row.label.data or ""))


def _row_of(starts_at: datetime, ends_at: datetime, capacity: int | None, label: str) -> dict[str, str]:
    first, last = local(starts_at), local(ends_at)
    return {
        "date": first.date().isoformat(), "start": first.strftime("%H:%M"), "end": last.strftime("%H:%M"),
        "until": last.date().isoformat() if last.date() != first.date() else "",
        "capacity": "" if capacity is None else str(capacity), "label": label,
    }  # fmt: skip


def filled(activity: Activity, choices: Choices) -> dict[str, Any]:
    """The form's data of an activity as it stands, for editing."""
    codes = {u.id: u.code for u in choices.units}
    numbers = {task_id: str(number) for task_id, number, _title in choices.tasks}
    parts = {
        part: [codes[u.unit_id] for u in activity.units if u.part == part.value and u.unit_id in codes]
        for part in UnitPart
    }
    rows = [_row_of(s.starts_at, s.ends_at, s.capacity, s.label) for s in activity.sessions]
    details = {
        f"detail_{key}": "\n".join(value) if isinstance(value, list) else str(value)
        for key, value in activity.details.items()
    }
    return {
        **(rows[0] if rows else {}), **details, "more": rows[1:], "kind": activity.kind, "drawn": activity.kind,
        "version": str(activity.version), "title": activity.title, "venue": activity.venue,
        "audience": activity.audience, "summary": activity.summary, "bring": activity.bring,
        "venue_unit": codes.get(activity.venue_unit_id or 0, ""), "host": codes.get(activity.host_unit_id, ""),
        "heritage": next((i.name for i in choices.items if i.id == activity.heritage_item_id), ""),
        "programme": next((p.code for p in choices.programmes if p.id == activity.programme_id), ""),
        "primary_task": numbers.get(activity.primary_task_id or 0, ""),
        "related": [numbers[t.task_id] for t in activity.related_tasks if t.task_id in numbers],
        "co_hosts": parts[UnitPart.CO_HOST], "taking_part": parts[UnitPart.TAKING_PART],
        "attendance": activity.attendance, "takes_registration": activity.takes_registration,
        "takes_walk_in": activity.takes_walk_in, "needs_phone": activity.needs_phone,
        "printed_code_on": activity.printed_code_on, "keeps_apart": activity.keeps_apart,
        "opens_before": str(activity.opens_before_min), "closes_after": str(activity.closes_after_min),
        **{name: str(getattr(activity, name) or "") for name in COUNT_LABELS},
    }  # fmt: skip
