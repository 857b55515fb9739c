"""Shapes of the registration forms; their meaning stands in registration/rules.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, StringField

from app.activities.models import Activity, ActivitySession, Attendance
from app.kernel.errors import Problem
from app.kernel.text import ascii_digits
from app.kernel.tokens import random_secret
from app.registration.entering import OTHER_UNIT
from app.web.rendering import clock_text, local, span_text

TYPED_MOST = 200  # more than this is not read at all
_SUBMISSION = re.compile(r"[A-Za-z0-9_-]{22}")


class CountField(IntegerField):  # type: ignore[misc]
    """A number of people as typed: full-width digits and blanks are understood."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError in words, which WTForms shows beside the field."""
        if not valuelist:
            return
        text = ascii_digits(valuelist[0]).strip()[:20]
        self.data = None
        if not re.fullmatch(r"[0-9]{1,6}", text):
            self.raw_data = [text]
            raise ValueError(_("请填整数，例如 2。"))
        self.data = int(text)


class PeopleForm(FlaskForm):  # type: ignore[misc]
    """How many come."""

    adults = CountField("大人（含您）", default=1)
    children = CountField("孩子", default=0)


class SubmissionForm(FlaskForm):  # type: ignore[misc]
    """`submission` makes a second submit harmless."""

    submission = HiddenField()

    @property
    def submission_id(self) -> str:
        """The form's own random id; one that was tampered with is replaced."""
        kept = self.submission.data or ""
        return kept if _SUBMISSION.fullmatch(kept) else random_secret()


class UnitForm(FlaskForm):  # type: ignore[misc]
    """Which unit's quota binds; asked only where units have quotas."""

    unit = SelectField("从哪个单位来", choices=[], validate_choice=False)

    @property
    def from_unit(self) -> str | None:
        """The unit's code, `other`, or "" where nothing was chosen; None where the form does not ask."""
        return (self.unit.data or "")[:12] if "unit" in self else None


class EntryForm(PeopleForm, SubmissionForm, UnitForm):
    """What both registration forms hold."""

    session = RadioField("选一场", choices=[], validate_choice=False)
    phone = StringField("手机号")
    email = StringField("邮箱")


class RegisterForm(EntryForm):
    """The public form. `second_name` is a trap for programs."""

    name = StringField("怎么称呼您")
    consent = BooleanField("同意")
    second_name = StringField("请不要填这一栏")


class DeskForm(EntryForm):
    """The organizer registers someone who asked by telephone."""

    name = StringField("称呼")
    consent = BooleanField("本人已同意")


class CapacityForm(FlaskForm):  # type: ignore[misc]
    """The places of one session; empty means no limit."""

    capacity = StringField("名额")


def too_long(form: FlaskForm) -> bool:
    """Whether any text is longer than anybody types; says so beside the field."""
    found = False
    for field in form:
        if isinstance(field.data, str) and len(field.data) > TYPED_MOST:
            field.errors = [*field.errors, _("写得太长了，请短一点。")]
            found = True
    return found


def attach(form: FlaskForm, problems: Iterable[Problem]) -> list[str]:
    """Put each problem beside its field; returns those that belong to no field."""
    loose = []
    for problem in problems:
        field = form._fields.get(problem.field)
        if field is None:
            loose.append(_(problem.message))
        else:
            field.errors = [*field.errors, _(problem.message)]
    return loose


def fill_sessions(form: FlaskForm, activity: Activity, *, at: datetime) -> None:
    """Offer the sessions that are not over; none where one registration covers all."""
    if "session" not in form:
        return
    if activity.attendance != Attendance.CHOOSE_ONE.value:
        del form.session
        return
    several_days = len({local(s.starts_at).date() for s in activity.sessions}) > 1
    form.session.choices = [
        (s.code, session_words(s, with_day=several_days)) for s in activity.sessions if s.ends_at > at
    ]


def fill_units(form: UnitForm, units: Sequence[tuple[int, str, str]]) -> None:
    """Offer the units that have a quota; the question is gone where none has."""
    if "unit" not in form:
        return
    if not units:
        del form.unit
        return
    named = [(code, name) for _id, code, name in units]
    form.unit.choices = [("", _("请选单位")), *named, (OTHER_UNIT, _("其他"))]


def session_words(session: ActivitySession, *, with_day: bool) -> str:
    """`第一场　09:00–10:00`, with the day where the sessions fall on several."""
    label = f"{session.label}　" if session.label else ""
    if with_day:
        return label + span_text(session.starts_at, session.ends_at)
    return f"{label}{clock_text(session.starts_at)}–{clock_text(session.ends_at)}"
