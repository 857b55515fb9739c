"""Units and people from one spreadsheet: template, preview by row, all or nothing, links shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, make_response, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.actor import ROLE_LABELS
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, DomainError, Problem, RuleBroken
from app.organisation.accounts import INVITED_FOR
from app.organisation.arrivals import NEW_MOST, Made, RowsRefused, bring_in, edit_row, judge, read_rows
from app.organisation.models import UNIT_KIND_LABELS, UnitKind
from app.organisation.permissions import Action
from app.organisation.rules import Judged, Row, Sort, Standing
from app.sheets.limits import BYTES_MOST
from app.sheets.reading import read_sheets
from app.sheets.template import TemplateColumn, TemplateSheet, build_template
from app.web.access import current_actor, requires, settings
from app.web.organisation.blueprint import bp
from app.web.rendering import render, staff_page

PREVIEW_SECONDS = 2 * 3600
TOKEN_MOST = 400_000  # the form takes 512 kB
BAD_SHOWN, GOOD_SHOWN = 100, 200
FIELDS = {
    Sort.UNIT: {"name": "名称", "kind": "类型", "parent": "上级单位"},
    Sort.PERSON: {"login": "登录名", "name": "称呼", "unit": "单位", "roles": "角色", "at": "角色所在单位"},
}
SORTS = {Sort.UNIT: "单位", Sort.PERSON: "人员"}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the preview carries forward in place of the file: rows, those set aside, those on the page."""

    rows: list[Row]
    aside: set[int]
    shown: set[int]


@bp.get("/organisation/import")
@requires(Action.ORGANISATION_MANAGE)
def import_form() -> Response:
    """What the file has to look like, the template, the upload."""
    staff_page()
    return render("organisation/import.html", error="")


@bp.get("/organisation/import/template.xlsx")
@requires(Action.ORGANISATION_MANAGE)
def import_template() -> Response:
    """The two sheets to fill in."""
    kinds = [label for kind, label in UNIT_KIND_LABELS.items() if kind is not UnitKind.DISTRICT]
    made = build_template(
        [
            TemplateSheet("单位", (
                TemplateColumn("名称", 32, "全称，全区不重名"),
                TemplateColumn("类型", 16, "从下拉里选", kinds),
                TemplateColumn("上级单位", 32, "不填就是区。可以是这张表里的别的单位，先后不限"),
            )),
            TemplateSheet("人员", (
                TemplateColumn("登录名", 20, "字母、数字，例如姓名全拼。不要用身份证号"),
                TemplateColumn("称呼", 16, "页面上怎么称呼"),
                TemplateColumn("单位", 32, "已有的单位，或“单位”表里新建的"),
                TemplateColumn("角色", 20, "可以几个，用“、”隔开", list(ROLE_LABELS.values())),
                TemplateColumn("角色所在单位", 32, "不填就是本人的单位"),
            )),
        ]
    )  # fmt: skip
    response = make_response(made)
    response.mimetype = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response.headers["Content-Disposition"] = 'attachment; filename="shiliu-units-people.xlsx"'
    return response


@bp.post("/organisation/import")
@requires(Action.ORGANISATION_MANAGE)
def import_preview() -> Response:
    """Read the file, say what each row would do; nothing is kept and nothing is written."""
    staff_page()
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _refused(_("还没有选文件。"))
    try:
        reading = read_rows(read_sheets(upload.stream.read(BYTES_MOST + 1), upload.filename))
    except DomainError as error:
        return _refused(error.message)
    return _preview(
        Draft(reading.rows, set(), set()), judge(db.session(), reading.rows),
        notes={"dropped": reading.dropped, "unknown": reading.unknown, "ignored": reading.ignored},
    )  # fmt: skip


@bp.post("/organisation/import/rows")
@requires(Action.ORGANISATION_MANAGE)
def import_rows() -> Response:
    """The preview sent back: check the corrected rows again, or make them all."""
    staff_page()
    try:
        draft = _open(request.form.get("draft", ""))
    except DomainError as error:
        return _refused(error.message)
    draft = _typed(draft, request.form)
    if request.form.get("verb") != "confirm":
        return _preview(draft, judge(db.session(), draft.rows, aside=draft.aside))
    try:
        with transaction(db.session) as tx:
            made = bring_in(tx, draft.rows, aside=draft.aside, actor=current_actor(), now=now())
    except RowsRefused as refused:
        return _preview(draft, refused.judged, error=refused.message)
    except (Conflict, RuleBroken) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _preview(draft, judge(db.session(), draft.rows, aside=draft.aside), error=error.message, status=status)
    return _done(made)


def _refused(error: str) -> Response:
    return render("organisation/import.html", status=422, error=error)


def _preview(
    draft: Draft,
    judged: Sequence[Judged],
    *,
    error: str = "",
    status: int = 422,
    notes: Mapping[str, Any] | None = None,
) -> Response:
    count = {standing: sum(1 for each in judged if each.standing is standing) for standing in Standing}
    bad = [each for each in judged if each.standing is Standing.BAD][:BAD_SHOWN]
    aside = [each for each in judged if each.standing is Standing.ASIDE][:GOOD_SHOWN]
    good = [each for each in judged if each.standing is Standing.NEW][:GOOD_SHOWN]
    token = _seal(Draft(draft.rows, draft.aside, {each.index for each in (*bad, *aside, *good)}))
    if len(token) > TOKEN_MOST:
        return _refused(_("内容太多，一次放不下。请分成几个文件，一次导入一个。"))
    return render(
        "organisation/import_preview.html", status=status if error else 200, error=error, bad=bad, good=good, aside=aside,
        count=count, draft=token, fields=FIELDS, sorts=SORTS, roles=list(ROLE_LABELS.values()), most=NEW_MOST, notes=notes or {},
    )  # fmt: skip


def _done(made: Made) -> Response:
    """The one page that shows the links."""
    days = INVITED_FOR.days
    people = []
    for person in made.people:
        link = settings().base_url + url_for("organisation.accept", secret=person.secret)
        text = _(
            "%(n)s，这是您在活动平台的账号，登录名 %(g)s。请点这个链接设置密码（%(d)s天内有效，只能用一次）：%(l)s",
            n=person.name, g=person.login, d=days, l=link,
        )  # fmt: skip
        people.append((person, text))
    return render("organisation/imported.html", made=made, people=people, kinds=UNIT_KIND_LABELS)


def _serializer() -> URLSafeTimedSerializer:
    rings = [*current_app.config.get("SECRET_KEY_FALLBACKS", ()), current_app.config["SECRET_KEY"]]
    return URLSafeTimedSerializer(rings, salt="organisation.import")


def _seal(draft: Draft) -> str:
    """Signed and bound to the person, so that what was checked is what comes back; the server keeps nothing."""
    rows = [[row.sort.value, row.sheet, row.number, row.cells] for row in draft.rows]
    sealed = _serializer().dumps([current_actor().user_code, rows, sorted(draft.aside), sorted(draft.shown)])
    return sealed if isinstance(sealed, str) else sealed.decode()


def _open(token: str) -> Draft:
    try:
        whose, rows, aside, shown = _serializer().loads(token, max_age=PREVIEW_SECONDS)
    except BadData:
        whose, rows, aside, shown = "", [], [], []
    if not rows or whose != current_actor().user_code:
        raise RuleBroken(Problem("preview_gone", _("预览放得太久，或者没有传完整。什么都没有导入，请重新选文件。")))
    return Draft([Row(Sort(sort), sheet, number, cells) for sort, sheet, number, cells in rows], set(aside), set(shown))


def _typed(draft: Draft, form: Mapping[str, Any]) -> Draft:
    """The draft with what was typed into its cells and ticked beside its rows."""
    rows = list(draft.rows)
    changes: dict[int, dict[str, str]] = {}
    for name in form:
        mark, _dash, rest = name.partition("-")
        place, _dash, field = rest.partition("-")
        if mark == "c" and _is_place(place) and int(place) < len(rows):
            changes.setdefault(int(place), {})[field] = str(form[name])[:500]
    for index, typed in changes.items():
        rows[index] = edit_row(rows[index], typed)
    ticked = request.form.getlist("aside")
    aside = {int(place) for place in ticked if _is_place(place)} | (draft.aside - draft.shown)
    if form.get("aside_bad"):
        judged = judge(db.session(), rows, aside=aside)
        aside |= {each.index for each in judged if each.standing is Standing.BAD}
    return Draft(rows, aside, draft.shown)


def _is_place(text: str) -> bool:
    """A row's number; `isdigit` alone also takes ², which is no number."""
    return text.isascii() and text.isdigit() and len(text) < 6
