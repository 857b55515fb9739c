"""The dashboard, the facts behind a figure, one fact with its check-ins and photos, the ledger."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request, send_file, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.activities.kinds import KINDS
from app.activities.models import Activity
from app.activities.models import ActivitySession as Session_
from app.audit.log import record
from app.checkin.queries import session_totals
from app.evidence.models import EvidenceItem, EvidenceState
from app.exports.ledger import build_ledger
from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import NotFound
from app.metrics.board import Board, load_board
from app.metrics.ledger import ledger_tables
from app.metrics.queries import FactFilter, count_erased, count_facts, get_fact, known_years, list_facts, sum_facts
from app.organisation.models import Unit
from app.organisation.permissions import Action, may, may_at, reach
from app.review.queries import history
from app.web.access import current_actor, requires
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


def asked_year() -> int:
    """This year unless the query names another plausible one."""
    this_year = business_day(now()).year
    asked = request.args.get("year", "")
    return int(asked) if asked.isdigit() and len(asked) == 4 and 2020 <= int(asked) <= this_year + 1 else this_year


def year_choices(year: int) -> list[int]:
    return sorted({business_day(now()).year, year, *known_years(db.session())}, reverse=True)


def board_now(year: int) -> Board:
    return load_board(db.session(), year=year, today=business_day(now()))


@bp.get("")
@requires(Action.FIGURES_READ)
def dashboard() -> Response:
    """方面 → tasks, each with light, figure and a sentence."""
    year = asked_year()
    return render(
        "metrics/dashboard.html",
        board=board_now(year),
        year=year,
        years=year_choices(year),
        erased=count_erased(db.session()),
        as_of=now(),
    )


@bp.get("/facts")
@requires(Action.FIGURES_READ)
def facts() -> Response:
    """The approved activities behind a figure; `?task=&figure=&month=&year=` narrow."""
    year = asked_year()
    board = board_now(year)
    wanted, line, view = _asked_filter(board, year)
    number = asked_page()
    activities, grades, photos = sum_facts(db.session(), wanted)
    return render(
        "metrics/facts.html",
        board=board,
        line=line,
        view=view,
        wanted=wanted,
        rows=list_facts(db.session(), wanted, page=number, size=PAGE_SIZE),
        page=Page(number, PAGE_SIZE, count_facts(db.session(), wanted)),
        activities=activities,
        grades=grades,
        photos=photos,
        kinds=KINDS,
        year=year,
    )


def _asked_filter(board: Board, year: int):  # type: ignore[no-untyped-def]
    asked = request.args.get("task", "")
    line = board.task(int(asked)) if asked.isdigit() and len(asked) < 4 else None
    if asked and line is None:
        raise NotFound("方案里没有这一项任务。")
    slug = request.args.get("figure", "")
    view = next((v for v in line.indicators if v.slug == slug), None) if line else None
    month = request.args.get("month", "")
    wanted = FactFilter(
        year=year,
        task_id=line.id if line else None,
        kinds=view.kinds if view else (),
        programme_kinds=view.programme_kinds if view else (),
        month=int(month) if month.isdigit() and 1 <= int(month[:2]) <= 12 else None,
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
        items=photos,
        may_see=may_at(current_actor(), Action.EVIDENCE_READ, db.session.get_one(Unit, activity.host_unit_id).path),
        host=db.session.get_one(Unit, activity.host_unit_id),
        history=history(db.session(), activity.id),
        line=next((t for t in board_now(row.year).tasks if t.id == row.primary_task_id), None),
    )


@bp.post("/ledger")
@requires(Action.LEDGER_EXPORT)
def ledger() -> Response:
    """The year's ledger as .xlsx: the district's, or that of the actor's own units."""
    year = asked_year()
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
