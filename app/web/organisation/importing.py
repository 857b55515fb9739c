"""Units and people from one spreadsheet: template, preview by row, all or nothing, links shown once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import make_response, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.actor import ROLE_LABELS
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, DomainError, RuleBroken
from app.organisation.accounts import INVITED_FOR
from app.organisation.arrivals import NEW_MOST, Made, RowsRefused, bring_in, edit_row, judge, read_rows
from app.organisation.models import UNIT_KIND_LABELS, UnitKind
from app.organisation.permissions import Action
from app.organisation.rules import Judged, Sort
from app.sheets.limits import BYTES_MOST
from app.sheets.reading import read_sheets
from app.sheets.rows import Standing
from app.sheets.template import TemplateColumn, TemplateSheet, build_template
from app.web.access import current_actor, requires, settings
from app.web.drafts import Draft, open_draft, seal, ticked, typed_cells
from app.web.organisation.blueprint import bp
from app.web.rendering import render, staff_page

BAD_SHOWN, GOOD_SHOWN = 100, 200
FIELDS = {
    Sort.UNIT: {"name": "名称", "kind": "类型", "parent": "上级单位"},
    Sort.PERSON: {"login": "登录名", "name": "称呼", "unit": "单位", "roles": "角色", "at": "角色所在单位"},
}
SORTS = {Sort.UNIT: "单位", Sort.PERSON: "人员"}


PURPOSE = "organisation.import"


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
        draft = open_draft(request.form.get("draft", ""), PURPOSE, Sort)
    except DomainError as error:
        return _refused(error.message)
    draft = _typed(draft)
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
    draft: Draft[Sort],
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
    try:
        token = seal(Draft(draft.rows, draft.aside, {each.index for each in (*bad, *aside, *good)}), PURPOSE)
    except RuleBroken as refused:
        return _refused(refused.message)
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


def _typed(draft: Draft[Sort]) -> Draft[Sort]:
    """The draft with what was typed into its cells and ticked beside its rows."""
    rows, aside = list(draft.rows), ticked(draft)
    for index, typed in typed_cells(len(rows)).items():
        rows[index] = edit_row(rows[index], typed)
    if request.form.get("aside_bad"):
        aside |= {each.index for each in judge(db.session(), rows, aside=aside) if each.standing is Standing.BAD}
    return Draft(rows, aside, draft.shown)
