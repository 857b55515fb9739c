"""The dashboard, the facts behind a figure, one fact with its check-ins and photos, the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, g, render_template, request, send_file, url_for
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.activities.kinds import KINDS
from app.activities.models import Activity
from app.activities.models import ActivitySession as Session_
from app.audit.log import record
from app.checkin.queries import session_totals
from app.evidence.models import EvidenceItem, EvidenceKind, EvidenceState
from app.evidence.queries import holds_names
from app.exports.ledger import build_ledger
from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import NotFound
from app.metrics.board import Board, IndicatorView, TaskLine, load_board
from app.metrics.ledger import ledger_tables
from app.metrics.queries import FactFilter, count_erased, get_fact, has_facts, list_facts, sum_facts
from app.metrics.tree import PlanTree, load_tree
from app.organisation.models import Unit
from app.organisation.permissions import Action, may, may_at, reach
from app.planning.models import Task
from app.review.queries import history
from app.web.access import current_actor, requires
from app.web.kept import kept, kept_page
from app.web.paging import Page, asked_page
from app.web.rendering import render, staff_page

bp = Blueprint("metrics", __name__, url_prefix="/metrics")
PAGE_SIZE = 30


@bp.before_request
def _mark() -> None:
    staff_page()


@bp.app_context_processor
def _links() -> dict[str, Any]:
    """`task_url(number, year)`; `may_export` for the ledger's button."""
    return {
        "task_url": lambda number, year: url_for("planning.task", number=number, year=year),
        "may_export": bool(g.get("staff_page")) and may(current_actor(), Action.LEDGER_EXPORT),
    }


def asked_number(name: str) -> int | None:
    """A number of one to four plain digits from the query; "²" counts as a digit to Python, and int() refuses it."""
    asked = request.args.get(name, "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 4 else None


def asked_year() -> int:
    """This year unless the query names another plausible one."""
    this_year = business_day(now()).year
    asked = asked_number("year")
    return asked if asked is not None and 2020 <= asked <= this_year + 1 else this_year


def shown_year(tree: PlanTree) -> int:
    """The year of the query where the plan runs in it or an activity counts in it; otherwise this year."""
    this_year = business_day(now()).year
    asked = asked_year()
    return asked if asked in (this_year, *tree.years(this_year)) or has_facts(db.session(), asked) else this_year


def shown_board() -> Board:
    """The board of the year that the page shows; `board.years` are the others to choose from."""
    tree = load_tree(db.session())
    return load_board(db.session(), year=shown_year(tree), today=business_day(now()), tree=tree)


def board_now(year: int) -> Board:
    return load_board(db.session(), year=year, today=business_day(now()))


@dataclass(frozen=True, slots=True)
class ShownBoard:
    """The dashboard below its head, the same for everybody who may read the figures."""

    year: int
    document_number: str
    html: Markup


def _show_board() -> ShownBoard:
    board = shown_board()
    html = render_template("metrics/_board.html", board=board, year=board.year, erased=count_erased(db.session()))
    return ShownBoard(board.year, board.plan.document_number if board.plan else "", Markup(html))  # noqa: S704


@bp.get("")
@requires(Action.FIGURES_READ)
def dashboard() -> Response:
    """方面 → tasks, each with light, figure and a sentence."""
    return kept_page("metrics/dashboard.html", _dashboard)


def _dashboard() -> dict[str, Any]:
    shown = kept(_show_board, "dashboard", asked_year(), business_day(now()))
    return {"shown": shown, "year": shown.year, "as_of": now()}


@bp.get("/facts")
@requires(Action.FIGURES_READ)
def facts() -> Response:
    """The approved activities behind a figure; `?task=&figure=&month=&year=` narrow."""
    board = shown_board()
    wanted, line, view = _asked_filter(board)
    number = asked_page()
    activities, grades, photos = sum_facts(db.session(), wanted)
    return render(
        "metrics/facts.html",
        board=board,
        line=line,
        view=view,
        wanted=wanted,
        rows=list_facts(db.session(), wanted, page=number, size=PAGE_SIZE),
        page=Page(number, PAGE_SIZE, activities),
        activities=activities,
        grades=grades,
        photos=photos,
        kinds=KINDS,
        year=board.year,
    )


def _asked_filter(board: Board) -> tuple[FactFilter, TaskLine | None, IndicatorView | None]:
    number = asked_number("task")
    line = board.task(number) if number is not None else None
    if request.args.get("task") and line is None:
        raise NotFound("方案里没有这一项任务。")
    slug = request.args.get("figure", "")
    view = next((v for v in line.indicators if v.slug == slug), None) if line else None
    month = asked_number("month")
    wanted = FactFilter(
        year=board.year,
        task_id=line.id if line else None,
        kinds=view.kinds if view else (),
        programme_kinds=view.programme_kinds if view else (),
        month=month if month is not None and 1 <= month <= 12 else None,
    )
    return wanted, line, view


@bp.get("/facts/<code>")
@requires(Action.FIGURES_READ)
def fact(code: str) -> Response:
    """One approved activity: its check-in totals by session, photos, seal and review. No name."""
    row = get_fact(db.session(), code)
    activity = db.session.get_one(Activity, row.activity_id)
    sessions = list(
        db.session.scalars(select(Session_).where(Session_.activity_id == activity.id).order_by(Session_.position))
    )
    photos = list(
        db.session.scalars(
            select(EvidenceItem)
            .where(
                EvidenceItem.activity_id == activity.id,
                EvidenceItem.state == EvidenceState.CURRENT.value,
                EvidenceItem.kind == EvidenceKind.PHOTO.value,
            )
            .order_by(EvidenceItem.id)
        )
    )
    return render(
        "metrics/fact.html",
        fact=row,
        activity=activity,
        kind=KINDS[activity.kind],
        sessions=sessions,
        totals=session_totals(db.session(), [s.id for s in sessions]),
        items=[item for item in photos if not holds_names(item)],
        sheets=sum(1 for item in photos if holds_names(item)),
        may_see=may_at(current_actor(), Action.EVIDENCE_READ, db.session.get_one(Unit, activity.host_unit_id).path),
        host=db.session.get_one(Unit, activity.host_unit_id),
        history=history(db.session(), activity.id),
        line=db.session.get(Task, row.primary_task_id) if row.primary_task_id else None,
    )


@bp.post("/ledger")
@requires(Action.LEDGER_EXPORT)
def ledger() -> Response:
    """The year's ledger as .xlsx: the district's, or that of the actor's own units."""
    year = shown_year(load_tree(db.session()))
    actor = current_actor()
    moment = now()
    paths = reach(actor, Action.LEDGER_EXPORT)
    tables = ledger_tables(db.session(), year=year, today=business_day(moment), host_paths=paths, moment=moment)
    with transaction(db.session) as tx:
        record(
            tx, "ledger.exported", actor=actor, object_type="ledger", object_code=str(year), now=moment,
            payload={"rows": tables.rows, "year": year},
        )  # fmt: skip
    return send_file(
        build_ledger(tables.sheets),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=f"台账-{year}年-{business_day(moment):%Y%m%d}.xlsx",
    )
