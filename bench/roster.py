"""Register group: the preview of a roster of 5 000 rows, file to judged rows, over bare python-calamine reading the file."""

from __future__ import annotations

import io
import time
from contextlib import ExitStack
from datetime import timedelta
from statistics import median

from python_calamine import CalamineWorkbook

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.entering import list_questions
from app.registration.importing import judge, read_rows
from app.registration.roster_rules import Standing
from app.sheets.limits import ROWS_MOST
from app.sheets.reading import read_sheets
from bench.serving import Instance, instance, postgresql
from tests.factories import make_activity, make_unit
from tests.rules.sheets.books import book

GROUP = "register"
ROUNDS, CAPACITY = 3, 3_000


def roster(school: str) -> bytes:
    """Phones in no order, two sessions, a school beside every other row."""
    head = ("姓名", "手机号", "大人", "孩子", "场次", "单位")
    rows = [
        (f"示例人{n}", f"13{n * 7919 % 999983:09d}", 1, n % 3, f"第{'一二'[n % 2]}场", school if n % 2 else "")
        for n in range(ROWS_MOST)
    ]
    return book({"个人": [head, *rows]})


def bare(data: bytes) -> float:
    """What one cannot do without: open the workbook and walk its cells."""
    begun = time.perf_counter()
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
        count = sum(1 for _row in workbook.get_sheet_by_index(0).iter_rows())
    assert count == ROWS_MOST + 1
    return time.perf_counter() - begun


def preview(place: Instance, activity_id: int, data: bytes) -> float:
    """The limited child, the columns, every check, the phones that are registered, who would wait."""
    with place.app.app_context():
        begun = time.perf_counter()
        session = db.session()
        activity = session.get_one(Activity, activity_id)
        reading = read_rows(read_sheets(data, "名单.xlsx"), list_questions(session, activity), takes_parties=False)
        judged = judge(session, activity, reading.rows, keys=place.app.extensions["keys"], now=now())
        taken = time.perf_counter() - begun
        session.rollback()
    if len(judged) != ROWS_MOST or any(each.standing is not Standing.NEW for each in judged):
        raise RuntimeError("a row of the roster was lost or refused")
    return taken


def prepare(place: Instance) -> tuple[int, str]:
    """An activity with two sessions, and a unit that the roster names."""
    with place.app.app_context(), transaction(db.session) as tx:
        school = make_unit(tx)
        activity = make_activity(
            tx, host=school, sessions=2, capacity=CAPACITY, attendance="choose_one", starts_at=now() + timedelta(days=3)
        )
        return activity.id, school.name


def run() -> tuple[dict[str, float], object]:
    """`roster.vs_calamine`: three interleaved rounds; the published figure is the slower database's."""
    base, found = list[float](), {"sqlite": list[float](), "postgresql": list[float]()}
    with ExitStack() as stack:
        address = stack.enter_context(postgresql())
        places = {"sqlite": stack.enter_context(instance()), "postgresql": stack.enter_context(instance(address))}
        ready = {name: prepare(place) for name, place in places.items()}
        files = {name: roster(school) for name, (_id, school) in ready.items()}
        for name, place in places.items():
            preview(place, ready[name][0], files[name])
        for _ in range(ROUNDS):
            base.append(median(bare(files["sqlite"]) for _ in range(5)))
            for name, place in places.items():
                found[name].append(preview(place, ready[name][0], files[name]))
    ratios = {name: median(o / b for o, b in zip(got, base, strict=True)) for name, got in found.items()}
    return {"roster.vs_calamine": max(ratios.values())}, {"calamine_s": base, **found, "ratios": ratios}
