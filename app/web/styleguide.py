"""部件样张: every component in every state, for those who build and test pages; development only."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import qrcode
from flask import Blueprint, Response, abort, render_template
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)

from app.web.access import public, settings
from app.web.errors import error_page

bp = Blueprint("styleguide", __name__, url_prefix="/styleguide")

ERRORS = (400, 403, 404, 409, 413, 422, 429, 500, 507)
COLOURS = (
    ("paper", "纸"),
    ("sheet", "页"),
    ("wash", "底"),
    ("rule", "细线"),
    ("edge", "边"),
    ("ink-2", "淡墨"),
    ("ink", "墨"),
    ("accent", "石榴红"),
    ("fill", "实底"),
    ("seed", "籽"),
    ("good", "好"),
    ("warn", "留意"),
    ("bad", "不好"),
)


class SampleForm(FlaskForm):  # type: ignore[misc]
    """One field of each kind."""

    venue = StringField("地点")
    capacity = StringField("名额")
    kind = SelectField("类型", choices=[("exchange", "交流活动"), ("heritage_visit", "非遗进校园")])
    held_on = DateField("日期")
    intro = TextAreaField("一句话介绍")
    secret = PasswordField("密码")
    roster = FileField("名单文件")
    companions = IntegerField("同行人数", default=3)
    adults = IntegerField("大人（含您）", default=9)
    session = RadioField("选一场", choices=[("1", "第一场 09:00–10:00"), ("2", "第二场 10:30–11:30")], default="1")
    consent = BooleanField("我同意，到期自动删除", default=True)


def sample_form() -> SampleForm:
    """The form with one field in error."""
    form = SampleForm(formdata=None, venue="示例文化广场", capacity="90", intro="四个社区各出一队，输赢不要紧。")
    form.capacity.errors = ["名额要比已报名的102人多。原来的120还在，没有改动。"]
    form.adults.errors = ["一次最多带6人，更多请按团体报名。"]
    return form


def qr_rows(text: str) -> list[list[bool]]:
    """Rows of a QR code without its border."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows: list[list[bool]] = code.get_matrix()
    return rows


def samples() -> dict[str, Any]:
    """Everything the sample pages show; the figures add up as in the mock-ups."""
    return {
        "form": sample_form(),
        "moment": datetime(2023, 10, 21, 1, 0, tzinfo=UTC),
        "colours": COLOURS,
        "months": [
            {"label": "6月", "value": 406, "sealed": True},
            {"label": "7月", "value": 134, "sealed": True},
            {"label": "8月", "value": 118, "sealed": True},
            {"label": "9月", "value": 780, "sealed": True},
            {"label": "10月", "value": 548, "sealed": False},
        ],
        "minutes": [0, 0, 1, 0, 2, 1, 3, 2, 4, 5, 3, 2, 4, 5, 3, 4, 2],
        "page": SimpleNamespace(first=1, last=20, total=86, prev_url=None, next_url="?page=2"),
        "only_page": SimpleNamespace(first=0, last=0, total=0, prev_url=None, next_url=None),
        "matrix": qr_rows("https://huodong.example.cn/a/7K4Q92ABCD3E"),
        "errors": ERRORS,
    }


@bp.before_request
def only_in_development() -> None:
    """The samples are of no use to the public."""
    if settings().is_production:
        abort(404)


@bp.get("")
@public
def staff() -> str:
    """Staff components in the staff layout."""
    nav = [
        SimpleNamespace(label=label, icon=icon, href="#main", count=count, current=current, wide=wide)
        for label, icon, count, current, wide in (
            ("工作台", "tray", 3, True, False),
            ("活动", "cal", 0, False, False),
            ("新建", "plus", 0, False, False),
            ("总览", "chart", 0, False, False),
            ("实施方案", "doc", 0, False, True),
            ("建设项目", "flag", 0, False, True),
        )
    ]
    return render_template("styleguide/staff.html", **samples() | {"nav": nav, "who": ("示例丙街道", "经办人")})


@bp.get("/phone")
@public
def phone() -> str:
    """Participants' components in the phone layout."""
    return render_template("styleguide/phone.html", **samples())


@bp.get("/public")
@public
def public_page() -> str:
    """The public's components at 70rem."""
    return render_template("styleguide/public.html", **samples())


@bp.get("/screen")
@public
def screen() -> str:
    """The venue screen."""
    return render_template("styleguide/screen.html", **samples())


@bp.get("/verdict")
@public
def verdict() -> str:
    """The helper's three verdicts."""
    return render_template("styleguide/verdict.html", **samples())


@bp.get("/confirm")
@public
def confirm() -> str:
    """A confirming page, as without scripts."""
    return render_template("styleguide/confirm.html", **samples())


@bp.get("/error/<int:code>")
@public
def error(code: int) -> Response:
    """The error page of one status, as people meet it."""
    if code not in ERRORS:
        abort(404)
    return error_page(code)
