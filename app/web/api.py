"""/api/v1: the figures for programs, read-only, described by its own OpenAPI document."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, current_app, jsonify
from pydantic import BaseModel, Field
from spectree import Response as Answers
from spectree import SpecTree

from app.metrics.board import Board, IndicatorView
from app.organisation.permissions import Action
from app.web.access import public, requires
from app.web.metrics import asked_year, board_now

bp = Blueprint("api", __name__, url_prefix="/api/v1")
spec = SpecTree("flask", title="石榴红活动平台", version="v1", annotations=True, mode="strict")


class YearQuery(BaseModel):
    """Which year's figures; this year without it."""

    year: int | None = Field(None, ge=2020, le=2100)


class GradesOut(BaseModel):
    """人次 by how they are known."""

    scanned: int
    live_code: int
    printed_code: int
    counted: int


class TargetOut(BaseModel):
    """A target: the document's, or the office's own."""

    value: int
    due_on: date | None
    origin: str
    light: str


class IndicatorOut(BaseModel):
    """One figure of a task."""

    slug: str
    label: str
    unit: str
    value: int
    grades: GradesOut | None
    targets: list[TargetOut]


class TaskOut(BaseModel):
    """One task of the plan; light is green, amber, red, grey or none."""

    number: int
    title: str
    light: str
    indicators: list[IndicatorOut]


class FiguresOut(BaseModel):
    """All figures of one year."""

    plan: str | None
    year: int
    activities: int
    participations: int
    verified: int
    tasks: list[TaskOut]


def _indicator(view: IndicatorView) -> IndicatorOut:
    grades = view.grades
    return IndicatorOut(
        slug=view.slug, label=view.label, unit=view.unit_word, value=view.value,
        grades=GradesOut(scanned=grades.a, live_code=grades.b, printed_code=grades.c, counted=grades.d)
        if grades
        else None,
        targets=[
            TargetOut(value=t.target, due_on=t.due_on, origin=t.origin, light=t.light) for t in view.targets
        ],
    )  # fmt: skip


def _figures(board: Board) -> FiguresOut:
    return FiguresOut(
        plan=board.plan.pack if board.plan else None, year=board.year, activities=board.activities,
        participations=board.grades.total, verified=board.grades.verified,
        tasks=[
            TaskOut(
                number=line.number, title=line.title, light=line.light,
                indicators=[_indicator(view) for view in line.indicators],
            )
            for line in board.tasks
        ],
    )  # fmt: skip


@bp.get("/figures")
@requires(Action.FIGURES_READ)
@spec.validate(query=YearQuery, resp=Answers(HTTP_200=FiguresOut), tags=["figures"])
def figures() -> Response:
    """Every task's indicators, targets and lights of one year."""
    return jsonify(_figures(board_now(asked_year())).model_dump(mode="json"))


@bp.get("/openapi.json")
@public
def openapi() -> Response:
    """The description of this interface; it holds no figure."""
    spec.app = current_app
    return jsonify(spec.spec)
