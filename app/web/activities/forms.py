"""Shapes of the activity forms; their meaning stands in activities/rules.py and in the kinds."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput, ListWidget

from app.activities.kinds import KINDS, DetailField
from app.activities.rules import ATTENDANCE_LABELS, AUDIENCE_LABELS

COUNT_LABELS = {"classes": "班级数", "pairs": "结对数（对）", "reach": "估计覆盖（人）"}


class TicksField(SelectMultipleField):  # type: ignore[misc]
    """Several of a list, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, **arguments: Any) -> None:
        super().__init__(label, choices=[], validate_choice=False, **arguments)


class SessionRow(Form):  # type: ignore[misc]
    """One more session; a row without a start is no session."""

    date = StringField("日期")
    start = StringField("开始")
    end = StringField("结束")
    until = StringField("结束日期")
    capacity = StringField("名额")
    label = StringField("场次名称")


class ActivityForm(FlaskForm):  # type: ignore[misc]
    """Everything an organizer may say of an activity; a kind's own details are added by `form_for`."""

    kind = RadioField("类型", choices=[(k.key, k.label) for k in KINDS.values()], validate_choice=False)
    drawn = HiddenField()  # the kind this form was drawn for
    version = HiddenField()
    title = StringField("活动名称")
    date = StringField("日期")
    start = StringField("开始")
    end = StringField("结束")
    until = StringField("结束日期")
    label = StringField("场次名称")
    venue = StringField("地点")
    audience = RadioField("谁能看到", choices=list(AUDIENCE_LABELS.items()), validate_choice=False)
    venue_unit = SelectField("学校", choices=[], validate_choice=False)
    heritage = StringField("非遗项目")
    classes = StringField(COUNT_LABELS["classes"])
    pairs = StringField(COUNT_LABELS["pairs"])
    reach = StringField(COUNT_LABELS["reach"])
    summary = TextAreaField("一句话介绍")
    bring = StringField("自带")
    host = SelectField("主办单位", choices=[], validate_choice=False)
    co_hosts = TicksField("协办单位")
    taking_part = TicksField("参加单位")
    primary_task = SelectField("归口任务", choices=[], validate_choice=False)
    related = TicksField("关联任务")
    programme = SelectField("系列活动", choices=[], validate_choice=False)
    attendance = RadioField("几场怎么报名", choices=list(ATTENDANCE_LABELS.items()), validate_choice=False)
    more = FieldList(FormField(SessionRow), max_entries=29)
    capacity = StringField("名额")
    takes_registration = BooleanField("接受报名")
    takes_walk_in = BooleanField("接受现场登记")
    needs_phone = BooleanField("报名要留手机号")
    printed_code_on = BooleanField("启用张贴码")
    opens_before = StringField("开始前几分钟打开签到")
    closes_after = StringField("结束后几分钟关闭签到")
    adults = StringField("大人")
    children = StringField("孩子")
    keeps_apart = BooleanField("不是同一场，分开记")
    reason = StringField("改动原因")


def _field_of(detail: DetailField) -> Any:
    if detail.sort == "choice":
        return SelectField(
            detail.label, choices=[("", "不填"), *((c, c) for c in detail.choices)], validate_choice=False
        )
    return TextAreaField(detail.label) if detail.sort == "lines" else StringField(detail.label)


def _class_of(kind: str) -> type[ActivityForm]:
    own = {f"detail_{d.key}": _field_of(d) for d in KINDS[kind].details} if kind in KINDS else {}
    return type("ActivityFormOfKind", (ActivityForm,), own)


_CLASSES = {kind: _class_of(kind) for kind in ("", *KINDS)}  # one per kind, made once


def form_for(kind: str, **arguments: Any) -> ActivityForm:
    """The form with the details of this kind; an unknown kind has none."""
    return _CLASSES.get(kind, _CLASSES[""])(**arguments)
