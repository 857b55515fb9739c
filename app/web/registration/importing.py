"""A roster from a spreadsheet: template, preview by row, fixed in place, then all of it or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import jsonify, make_response, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, Attendance
from app.checkin.deciding import resolve_unknown
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, DomainError, NotFound, RuleBroken
from app.kernel.runs import Run, run_of
from app.kernel.tokens import random_secret
from app.organisation.permissions import Action
from app.registration.answers import Asking
from app.registration.entering import list_questions
from app.registration.importing import Contact, Made, RowsRefused, bring_in, edit_row, grouped, judge, read_rows
from app.registration.roster_rules import Judged, Sort
from app.registration.rules import closed_problem
from app.sheets.limits import BYTES_MOST
from app.sheets.reading import read_sheets
from app.sheets.rows import Standing
from app.sheets.template import TemplateColumn, TemplateSheet, build_template
from app.web.access import current_actor, keys, load_activity, requires, settings
from app.web.drafts import Draft, open_draft, seal, ticked, typed_cells
from app.web.registration.blueprint import bp
from app.web.registration.forms import session_words
from app.web.rendering import local, render, staff_page

BAD_SHOWN, GOOD_SHOWN = 100, 100
FIELDS = {
    Sort.PERSON: {"name": "称呼", "phone": "手机号", "adults": "大人", "children": "孩子", "session": "场次", "unit": "单位"},
    Sort.CLASS: {
        "unit": "学校", "label": "班级", "pupils": "学生", "adults": "带队", "without_photo": "不拍照", "name": "联系人",
        "phone": "手机号", "session": "场次",
    },
}  # fmt: skip
SORTS = {Sort.PERSON: "个人", Sort.CLASS: "班级"}


@dataclass(frozen=True, slots=True)
class Counts:
    """What the rows come to."""

    registrations: int
    people: int
    waiting: int
    bad: int
    aside: int


@bp.get("/activities/<code>/registrations/import")
@requires(Action.ACTIVITY_EDIT)
def import_form(code: str) -> Response:
    """What the file has to look like, the template, the upload."""
    return _upload_page(load_activity(code, Action.ACTIVITY_EDIT))


def _upload_page(activity: Activity, error: str = "", status: int = 200) -> Response:
    staff_page()
    closed = closed_problem(
        state=activity.state, takes_registration=activity.takes_registration, ends_at=activity.ends_at, now=now()
    )
    return render(
        "registration/import.html", status=status, activity=activity, error=error,
        closed=_(closed.message) if closed else "", questions=list_questions(db.session(), activity),
    )  # fmt: skip


@bp.get("/activities/<code>/registrations/import/template.xlsx")
@requires(Action.ACTIVITY_EDIT)
def import_template(code: str) -> Response:
    """The sheets to fill in, with this activity's sessions and questions."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    made = build_template(_template(activity, list_questions(db.session(), activity)))
    response = make_response(made)
    response.headers["Content-Type"] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response.headers["Content-Disposition"] = 'attachment; filename="shiliu-roster.xlsx"'
    return response


def _template(activity: Activity, questions: Sequence[Asking]) -> list[TemplateSheet]:
    phone = TemplateColumn("手机号", 18, "11位。当天报后四位就能签到" + ("" if activity.needs_phone else "，可不填"))
    session = [TemplateColumn("场次", 18, "从下拉里选", [s.label or str(s.position) for s in activity.sessions])]
    session = session if _chooses(activity) else []
    person = [
        TemplateColumn("称呼", 18, "如“李女士”，不必写全名"), phone, TemplateColumn("大人", 10, "不填就是1"),
        TemplateColumn("孩子", 10, "不填就是0"), *session, TemplateColumn("单位", 28, "可不填。要写全称"),
        *(TemplateColumn(each.wording, 24, choices=[] if each.sort == "several_of" else each.options) for each in questions),
    ]  # fmt: skip
    sheets = [] if activity.names_minors and activity.takes_parties else [TemplateSheet("个人", person)]
    if activity.takes_parties:
        sheets.append(TemplateSheet("班级", [
            TemplateColumn("学校", 28, "全称"), TemplateColumn("班级", 16, "如“三年级2班”"),
            TemplateColumn("学生", 10, "人数，不写姓名"), TemplateColumn("带队", 10, "人数，不填就是1"),
            TemplateColumn("不拍照", 10, "不愿拍照的学生人数，不填就是0"), TemplateColumn("联系人", 18, "如“王老师”"),
            TemplateColumn("手机号", 18, "联系人的。同一个手机号的班合成一个报名"), *session,
        ]))  # fmt: skip
    return sheets


def _chooses(activity: Activity) -> bool:
    return activity.attendance == Attendance.CHOOSE_ONE.value


@bp.post("/activities/<code>/registrations/import")
@requires(Action.ACTIVITY_EDIT)
def import_preview(code: str) -> Response:
    """Read the file, say what each row would do; nothing is kept and nothing is written."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _upload_page(activity, _("还没有选文件。"), 422)
    try:
        sheets = read_sheets(upload.stream.read(BYTES_MOST + 1), upload.filename)
        reading = read_rows(
            sheets, list_questions(db.session(), activity), takes_parties=activity.takes_parties,
            names_minors=activity.names_minors,
        )  # fmt: skip
    except DomainError as error:
        return _upload_page(activity, _(error.message), 422)
    notes = {"dropped": reading.dropped, "unknown": reading.unknown, "ignored": reading.ignored}
    return _preview(activity, Draft(reading.rows, set(), set(), random_secret()), notes=notes)


@bp.post("/activities/<code>/registrations/import/rows")
@requires(Action.ACTIVITY_EDIT)
def import_rows(code: str) -> Response:
    """The preview sent back: check the corrected rows again, or register them all."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    try:
        draft = open_draft(request.form.get("draft", ""), _purpose(activity), Sort)
    except DomainError as error:
        return _upload_page(activity, _(error.message), 422)
    draft = _typed(activity, draft)
    if request.form.get("verb") != "confirm":
        return _preview(activity, draft)
    try:
        made = _bring_in(activity.id, code, draft)
    except (Conflict, RuleBroken) as error:
        db.session.rollback()
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        if error.code == "imported":
            return _upload_page(activity, _(error.message), 409)
        return _preview(activity, draft, error=error, status=409 if isinstance(error, Conflict) else 422)
    return _done(load_activity(code, Action.ACTIVITY_EDIT), made)


def _bring_in(activity_id: int, code: str, draft: Draft[Sort]) -> Made:
    run = _run(code, request.form.get("run", "")) or _run(code, random_secret())
    assert run is not None
    run.begin()
    try:
        with transaction(db.session) as tx:
            run.tell(0, len(draft.rows))
            made = bring_in(
                tx, load_activity(code, Action.ACTIVITY_EDIT), draft.rows, aside=draft.aside, draft=draft.id,
                consent=request.form.get("consent") == "y", keys=keys(), actor=current_actor(), now=now(), tell=run.tell,
            )  # fmt: skip
            resolve_unknown(tx, now=now(), activity_id=activity_id)  # tickets that phones scanned before this list
            run.tell(made.registrations, made.registrations)
        return made
    finally:
        run.end()


def _run(code: str, name: str) -> Run | None:
    return run_of(settings().home, current_actor().user_code, code, name=name)


@bp.get("/activities/<code>/registrations/import/runs/<run>")
@requires(Action.ACTIVITY_EDIT)
def import_progress(code: str, run: str) -> Response:
    """How many registrations there are by now, for the page that waits; empty before and after."""
    load_activity(code, Action.ACTIVITY_EDIT)
    found = _run(code, run)
    far = found.read() if found else None
    return jsonify({"done": far[0], "total": far[1]} if far else {})


@bp.post("/activities/<code>/registrations/import/runs/<run>")
@requires(Action.ACTIVITY_EDIT)
def import_stop(code: str, run: str) -> Response:
    """Stop the import while it runs: then nothing of it is kept. What has ended has ended."""
    load_activity(code, Action.ACTIVITY_EDIT)
    found = _run(code, run)
    if found is None:
        raise NotFound
    found.ask_to_stop()
    return make_response("", 204)


def _preview(
    activity: Activity, draft: Draft[Sort], *, error: DomainError | None = None, status: int = 200,
    notes: Mapping[str, Any] | None = None,
) -> Response:  # fmt: skip
    staff_page()
    judged = error.judged if isinstance(error, RowsRefused) else _judge(activity, draft)
    bad, aside = _some(judged, Standing.BAD, BAD_SHOWN), _some(judged, Standing.ASIDE, GOOD_SHOWN)
    good = _some(judged, Standing.NEW, GOOD_SHOWN)
    try:
        token = seal(replace(draft, shown={each.index for each in (*bad, *aside, *good)}), _purpose(activity))
    except RuleBroken as refused:
        return _upload_page(activity, refused.message, 422)
    no_consent = error is not None and error.code == "consent_missing"
    return render(
        "registration/import_preview.html", status=status, activity=activity, bad=bad, good=good, aside=aside,
        error="" if error is None or no_consent else _(error.message), count=_counts(judged), draft=token,
        run=random_secret(), consent=request.form.get("consent") == "y", wrong_consent=_(error.message) if error and no_consent else "",
        fields=_shown_fields(activity, list_questions(db.session(), activity)), sorts=SORTS, notes=notes or {},
        sessions=_session_names(activity),
    )  # fmt: skip


def _session_names(activity: Activity) -> list[str]:
    """What may stand in the cell, of the sessions that are not over."""
    several_days = len({local(s.starts_at).date() for s in activity.sessions}) > 1
    coming = [s for s in activity.sessions if s.ends_at > now()] if _chooses(activity) else []
    return [s.label or session_words(s, with_day=several_days) for s in coming]


def _judge(activity: Activity, draft: Draft[Sort]) -> list[Judged]:
    return judge(db.session(), activity, draft.rows, aside=draft.aside, keys=keys(), now=now())


def _some(judged: Sequence[Judged], standing: Standing, most: int) -> list[Judged]:
    """The first of a standing; who would have to wait comes first, since that is what one looks for."""
    found = [each for each in judged if each.standing is standing]
    return sorted(found, key=lambda each: not each.waits)[:most]


def _counts(judged: Sequence[Judged]) -> Counts:
    groups = grouped(judged)
    return Counts(
        registrations=len(groups),
        people=sum(each.people for group in groups for each in group),
        waiting=sum(1 for first, *_rest in groups if first.waits),
        bad=sum(1 for each in judged if each.standing is Standing.BAD),
        aside=sum(1 for each in judged if each.standing is Standing.ASIDE),
    )


def _shown_fields(activity: Activity, questions: Sequence[Asking]) -> dict[Sort, dict[str, str]]:
    """What the preview shows of a row, with the activity's own questions, without a session where none is chosen."""
    found = {
        sort: {name: word for name, word in words.items() if name != "session" or _chooses(activity)}
        for sort, words in FIELDS.items()
    }
    found[Sort.PERSON] |= {each.field: each.wording for each in questions}
    return found


def _done(activity: Activity, made: Made) -> Response:
    """The one page that shows the links of the classes."""
    staff_page()
    parties = [(party, _told(activity, party)) for party in made.parties]
    return render("registration/imported.html", activity=activity, made=made, parties=parties)


def _told(activity: Activity, party: Contact) -> str:
    """Copy-ready words to the contact, with the ticket of the classes."""
    facts = {
        "n": party.name, "s": party.school, "k": party.classes, "t": activity.title,
        "l": settings().base_url + url_for("tickets.show", secret=party.secret),
    }  # fmt: skip
    if party.waits:
        return str(
            _("%(n)s，%(s)s的%(k)s个班排上了“%(t)s”的候补，有名额时整批递补。打开班级码看排到哪里：%(l)s", **facts)
        )
    return str(_("%(n)s，%(s)s的%(k)s个班已报名“%(t)s”。班级码当天出示就行，人数有变也在这里改：%(l)s", **facts))


def _purpose(activity: Activity) -> str:
    return f"roster.import.{activity.code}"


def _typed(activity: Activity, draft: Draft[Sort]) -> Draft[Sort]:
    """The draft with what was typed into its cells and ticked beside its rows."""
    rows, aside, questions = list(draft.rows), ticked(draft), list_questions(db.session(), activity)
    for index, typed in typed_cells(len(rows)).items():
        rows[index] = edit_row(rows[index], typed, questions)
    changed = replace(draft, rows=rows, aside=aside)
    if request.form.get("aside_bad"):
        aside |= {each.index for each in _judge(activity, changed) if each.standing is Standing.BAD}
    return changed
