"""The office's own targets: set or change one of a year, retire one; both with a reason."""

from __future__ import annotations

import re

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField, TextAreaField

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import Problem, RuleBroken
from app.kernel.text import ascii_digits, clean
from app.organisation.permissions import Action
from app.planning.models import Indicator, Target
from app.planning.queries import find_document_target, find_office_target, get_indicator, get_target
from app.planning.service import refuse_retiring, retire_target, set_target
from app.web.access import current_actor, requires
from app.web.activities.intake import read_day
from app.web.metrics import asked_year
from app.web.planning.blueprint import bp, get_plan
from app.web.problems import show_problems
from app.web.rendering import render


class TargetForm(FlaskForm):  # type: ignore[misc]
    year = HiddenField("年份")
    value = StringField("目标值")
    due_on = StringField("期限（可不填）")
    reason = TextAreaField("原因")


class RetireForm(FlaskForm):  # type: ignore[misc]
    reason = TextAreaField("原因")


def read_count(text: str) -> int | None:
    """A whole number as typed: full-width digits and thousands separators too."""
    plain = re.sub(r"[\s,，]", "", ascii_digits(clean(text)))
    return int(plain) if re.fullmatch(r"[0-9]{1,9}", plain) else None


@bp.route("/tasks/<int:number>/indicators/<code>/target", methods=["GET", "POST"])
@requires(Action.TARGET_SET)
def target(number: int, code: str) -> Response:
    """Set the target of one year, or change it; the old one stays in the history."""
    indicator = get_indicator(db.session(), get_plan(db.session()), number, code)
    form = TargetForm()
    if request.method == "GET":
        current = find_office_target(db.session(), indicator, asked_year())
        form.year.data = str(asked_year())
        if current is not None:
            form.value.data = str(current.value)
            form.due_on.data = current.due_on.isoformat() if current.due_on else ""
        return _form_page(form, indicator)
    year = read_count(form.year.data or "") or 0
    try:
        with transaction(db.session) as tx:
            due_on = read_day(form.due_on.data or "")
            if due_on is None and (form.due_on.data or "").strip():
                raise RuleBroken(Problem("due_on", "日期没看懂，请写成 2026-12-20 这样。", field="due_on"))
            set_target(
                tx, get_indicator(tx, get_plan(tx), number, code), year=year, value=read_count(form.value.data or ""),
                due_on=due_on, reason=form.reason.data or "", actor=current_actor(), now=now(),
            )  # fmt: skip
    except RuleBroken as broken:
        show_problems(form, broken)
        return _form_page(form, get_indicator(db.session(), get_plan(db.session()), number, code), 422)
    flash(_("已保存%(y)s年的目标。", y=year), "good")
    return redirect(url_for("planning.task", number=number, year=year, _anchor="targets"), 303)


@bp.route("/targets/<code>/retire", methods=["GET", "POST"])
@requires(Action.TARGET_SET)
def retire(code: str) -> Response:
    """Ask once more and for a reason, then take an office target away."""
    form, found = RetireForm(), get_target(db.session(), code)
    if request.method == "GET":
        refuse_retiring(found)
        return _retire_page(form, found)
    try:
        with transaction(db.session) as tx:
            found = get_target(tx, code)
            retire_target(tx, found, reason=form.reason.data or "", actor=current_actor(), now=now())
            number, year = found.indicator.task.number, found.year
    except RuleBroken as broken:
        show_problems(form, broken)
        return _retire_page(form, get_target(db.session(), code), 422)
    flash(_("已停用，原来的数和原因留在下面。"), "good")
    return redirect(url_for("planning.task", number=number, year=year, _anchor="targets"), 303)


def _form_page(form: TargetForm, indicator: Indicator, status: int = 200) -> Response:
    year = read_count(form.year.data or "") or business_day(now()).year
    return render(
        "planning/target.html", status=status, form=form, indicator=indicator, task=indicator.task, year=year,
        current=find_office_target(db.session(), indicator, year),
        document=find_document_target(db.session(), indicator),
    )  # fmt: skip


def _retire_page(form: RetireForm, found: Target, status: int = 200) -> Response:
    return render("planning/retire.html", status=status, form=form, target=found, task=found.indicator.task)
