"""The order of readers: offices up and down, who reads and who stands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.organisation.models import UnitKind
from app.organisation.permissions import Action
from app.organisation.queries import list_units
from app.organisation.readers import change_order, list_members, read_seats
from app.organisation.rules import LEAST_READERS, Seat
from app.review.queries import count_open_by_office
from app.web.access import current_actor, requires
from app.web.organisation.blueprint import bp
from app.web.rendering import render, staff_page


@bp.get("/organisation/readers")
@requires(Action.ORGANISATION_MANAGE)
def readers() -> Response:
    """Offices in their order, each with its reader and stand-in."""
    return _readers_page()


@bp.post("/organisation/readers")
@requires(Action.ORGANISATION_MANAGE)
def add_reader() -> Response:
    """One more office at the end of the order."""
    office = request.form.get("office", "")
    return _change(lambda seats: [*seats, Seat(office)], at="")


@bp.post("/organisation/readers/<unit>/<any(up, down, remove, people):verb>")
@requires(Action.ORGANISATION_MANAGE)
def change_reader(unit: str, verb: str) -> Response:
    """Move an office by one place, take it out, or name its people."""

    def change(seats: list[Seat]) -> list[Seat]:
        place = next((index for index, seat in enumerate(seats) if seat.office == unit), None)
        if place is None:
            raise NotFound("审核顺序里没有这个单位。")
        if verb == "people":
            reader, stand_in = request.form.get("reader", ""), request.form.get("stand_in", "")
            seats[place] = replace(seats[place], reader=reader, stand_in=stand_in)
            return seats
        seat = seats.pop(place)
        if verb != "remove":
            seats.insert(max(0, place - 1) if verb == "up" else place + 1, seat)
        return seats

    return _change(change, at=unit)


def _change(change: Callable[[list[Seat]], list[Seat]], *, at: str) -> Response:
    try:
        with transaction(db.session) as tx:
            codes = {row.id: row.code for row in list_units(tx, with_retired=True)}
            busy = {codes[unit_id] for unit_id in count_open_by_office(tx)}
            here = {seat.office for seat in read_seats(tx)}
            change_order(tx, change, busy=busy & here, actor=current_actor(), now=now())
    except RuleBroken as refused:
        return _readers_page(status=422, at=at, errors={p.field: p.message for p in refused.problems})
    flash(_("已保存审核顺序。"), "good")
    return redirect(url_for("organisation.readers"), 303)


def _readers_page(*, status: int = 200, at: str = "", errors: dict[str, str] | None = None) -> Response:
    staff_page()
    session = db.session()
    units = {unit.code: unit for unit in list_units(session, with_retired=True)}
    members = list_members(session)
    seats = read_seats(session)
    taken = {seat.office for seat in seats}
    open_cases = count_open_by_office(session)
    rows = [(seat, units[seat.office], members.get(units[seat.office].id, [])) for seat in seats]
    others = [
        unit for unit in units.values()
        if unit.code not in taken and unit.retired_at is None
        and (unit.kind == UnitKind.OFFICE.value or unit.id in members)
    ]  # fmt: skip
    return render(
        "organisation/readers.html", status=status, rows=rows, others=others, open_cases=open_cases, at=at,
        errors=errors or {}, least=LEAST_READERS, typed=request.form,
    )  # fmt: skip
