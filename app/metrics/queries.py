"""Reading facts in groups: one year's rollup, and the facts behind a figure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Date,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.activities.models import Activity, HeritageItem, Programme, UnitPart
from app.kernel.errors import NotFound
from app.metrics.rollup import SEEN, Cell, EstablishmentCount, Grades, Rollup, Sighting
from app.organisation.models import Unit
from app.progress.models import Establishment, EstablishmentStage, ProgressNote, ProgressState
from app.registration.models import Registration
from app.review.models import ActivityFact, FactMark, FactTask, FactUnit, MarkKind


@dataclass(frozen=True, slots=True)
class FactRow:
    """One approved activity behind a figure."""

    code: str
    activity_code: str
    title: str
    kind: str
    counted_on: date
    host: str
    units: tuple[str, ...]
    grades: Grades
    sessions: int
    classes: int
    pairs: int
    reach: int
    children: int
    photos: int
    origin: str
    is_shared: bool
    primary_task_id: int | None
    heritage: str
    programme: str
    seal: str


def _live(year: int) -> Any:
    return and_(ActivityFact.year == year, ActivityFact.withdrawn_at.is_(None))


def _grade_sums() -> tuple[Any, ...]:
    return tuple(
        func.sum(column).label(name)
        for name, column in (
            ("a", ActivityFact.grade_a), ("b", ActivityFact.grade_b), ("c", ActivityFact.grade_c),
            ("d", ActivityFact.grade_d),
        )
    )  # fmt: skip


def load_rollup(session: Session, year: int, *, hosts: Sequence[str] | None = None) -> Rollup:
    """Three statements, however many check-ins there are. `hosts`: paths of units whose subtrees count; None is the district."""
    return Rollup(
        cells=_load_cells(session, year, hosts),
        sightings=_load_sightings(session, year, hosts),
        **_load_standing(session, year, hosts),
    )


def load_light_rollup(session: Session, year: int, *, measures: Collection[str]) -> Rollup:
    """Cells and establishments of the district; sightings only where one of the measures needs them."""
    return Rollup(
        cells=_load_cells(session, year, None),
        sightings=_load_sightings(session, year, None) if SEEN.keys() & set(measures) else [],
        **_load_standing(session, year, None),
    )


def _narrow(statement: Select[Any], hosts: Sequence[str] | None) -> Select[Any]:
    """Facts that a unit of these subtrees hosts or co-hosts (domain.md: co-hosted ones show under each host)."""
    if hosts is None:
        return statement
    co_hosted = select(FactUnit.fact_id).where(
        FactUnit.part == UnitPart.CO_HOST.value, FactUnit.unit_id.in_(_units_under(hosts))
    )
    return statement.where(or_(ActivityFact.host_unit_id.in_(_units_under(hosts)), ActivityFact.id.in_(co_hosted)))


def _units_under(paths: Sequence[str]) -> Select[Any]:
    """By another name: a statement may read units of its own."""
    unit = aliased(Unit)
    return select(unit.id).where(or_(false(), *(unit.path.startswith(path, autoescape=True) for path in paths)))


def _load_cells(session: Session, year: int, hosts: Sequence[str] | None) -> list[Cell]:
    programme_kind = func.coalesce(Programme.kind, "")
    statement = (
        select(
            ActivityFact.primary_task_id, ActivityFact.month, ActivityFact.kind, programme_kind.label("programme"),
            func.count().label("activities"), func.sum(ActivityFact.sessions).label("sessions"), *_grade_sums(),
            func.sum(ActivityFact.classes).label("classes"), func.sum(ActivityFact.pairs).label("pairs"),
            func.sum(ActivityFact.reach).label("reach"), func.sum(ActivityFact.photos).label("photos"),
        )
        .outerjoin(Programme, Programme.id == ActivityFact.programme_id)
        .where(_live(year), ActivityFact.primary_task_id.is_not(None))
        .group_by(ActivityFact.primary_task_id, ActivityFact.month, ActivityFact.kind, programme_kind)
        .order_by(ActivityFact.primary_task_id, ActivityFact.month)
    )  # fmt: skip
    return [
        Cell(
            task_id=row.primary_task_id, month=row.month, kind=row.kind, programme_kind=row.programme,
            activities=int(row.activities), sessions=int(row.sessions),
            grades=Grades(int(row.a), int(row.b), int(row.c), int(row.d)), classes=int(row.classes),
            pairs=int(row.pairs), reach=int(row.reach), photos=int(row.photos),
        )
        for row in session.execute(_narrow(statement, hosts))
    ]  # fmt: skip


def _load_sightings(session: Session, year: int, hosts: Sequence[str] | None) -> list[Sighting]:
    """One statement: units reached, heritage items, partners and links, each once a task."""

    def distinct(thing: Any, sort: Any, value: Any, *joins: tuple[Any, Any]) -> Select[Any]:
        statement = select(
            ActivityFact.primary_task_id.label("task_id"), ActivityFact.kind,
            func.coalesce(Programme.kind, "").label("programme"), thing.label("thing"), sort.label("sort"),
            cast(value, String).label("value"),
        )  # fmt: skip
        for target, on in joins:
            statement = statement.join(target, on)
        statement = statement.outerjoin(Programme, Programme.id == ActivityFact.programme_id)
        return _narrow(statement.where(_live(year), ActivityFact.primary_task_id.is_not(None)).distinct(), hosts)

    rows = session.execute(
        union_all(
            distinct(
                _word("unit"), Unit.kind, FactUnit.unit_id, (FactUnit, FactUnit.fact_id == ActivityFact.id),
                (Unit, Unit.id == FactUnit.unit_id),
            ),
            distinct(
                _word("heritage"), _word(""), HeritageItem.id,
                (HeritageItem, HeritageItem.id == ActivityFact.heritage_item_id),
            ),
            distinct(
                FactMark.mark, _word(""), FactMark.value,
                (FactMark, and_(FactMark.fact_id == ActivityFact.id, FactMark.mark != MarkKind.TAG.value)),
            ),
        )
    )  # fmt: skip
    return [Sighting(*row) for row in rows]


def _word(text: str) -> Any:
    """A constant of the statement itself: PostgreSQL gives a bound one in a UNION no type."""
    return literal_column(f"'{text}'", String)


def _standing_statement(year: int, hosts: Sequence[str] | None) -> CompoundSelect[Any]:
    """Establishments named by the year's end, its notes, last days and years with facts, by `sort`.

    Of the units under `hosts` alone, but for the years.
    """
    approved = ProgressNote.state == ProgressState.APPROVED.value
    of_year = and_(ProgressNote.noted_on >= date(year, 1, 1), ProgressNote.noted_on <= date(year, 12, 31))
    no_day, zero = type_coerce(null(), Date), literal_column("0", Integer)
    facts = ActivityFact.withdrawn_at.is_(None)
    named = or_(Establishment.named_on.is_(None), Establishment.named_on <= date(year, 12, 31))
    units = None if hosts is None else _units_under(hosts)
    return union_all(
        _narrow(select(
            _word("fact").label("sort"), ActivityFact.primary_task_id.label("key"), _word("").label("kind"),
            _word("").label("level"), zero.label("n"), func.max(ActivityFact.counted_on).label("day"),
        ).where(facts, ActivityFact.primary_task_id.is_not(None)), hosts).group_by(ActivityFact.primary_task_id),
        select(
            _word("note"), ProgressNote.task_id, _word(""), _word(""), func.sum(case((of_year, 1), else_=0)),
            func.max(ProgressNote.noted_on),
        ).where(
            approved, ProgressNote.task_id.is_not(None), true() if units is None else ProgressNote.unit_id.in_(units)
        ).group_by(ProgressNote.task_id),
        select(_word("year"), ActivityFact.year, _word(""), _word(""), func.count(), no_day)
        .where(facts).group_by(ActivityFact.year),
        select(
            _word("set_up"), zero, Establishment.kind, func.coalesce(Establishment.level, ""), func.count(), no_day,
        ).where(
            Establishment.state == ProgressState.APPROVED.value,
            Establishment.stage == EstablishmentStage.NAMED.value, named,
            true() if units is None else Establishment.unit_id.in_(units),
        ).group_by(Establishment.kind, Establishment.level),
    )  # fmt: skip


def _load_standing(session: Session, year: int, hosts: Sequence[str] | None) -> dict[str, Any]:
    """One statement for what no year sums."""
    rows = session.execute(_standing_statement(year, hosts)).all()
    last: dict[int, date] = {}
    for row in rows:
        if row.sort in ("fact", "note"):
            last[row.key] = max(row.day, last.get(row.key, row.day))
    return {
        "establishments": [EstablishmentCount(r.kind, r.level, int(r.n)) for r in rows if r.sort == "set_up"],
        "notes": {r.key: int(r.n) for r in rows if r.sort == "note" and r.n},
        "last_on": last,
        "years": tuple(sorted((r.key for r in rows if r.sort == "year"), reverse=True)),
    }


def has_facts(session: Session, year: int) -> bool:
    """Whether any approved activity counts in this year."""
    return bool(session.scalar(select(select(ActivityFact.id).where(_live(year)).exists())))


def count_erased(session: Session) -> int:
    """How many registrations have lost their names and phones."""
    return session.scalar(select(func.count()).where(Registration.erased_at.is_not(None))) or 0


@dataclass(frozen=True, slots=True)
class FactFilter:
    """Which facts stand behind a figure. `task_id` None means every task."""

    year: int
    task_id: int | None = None
    kinds: tuple[str, ...] = ()
    programme_kinds: tuple[str, ...] = ()
    month: int | None = None
    hosts: tuple[str, ...] | None = None  # paths of units whose subtrees count
    with_shared: bool = False


def _fact_statement(wanted: FactFilter, *columns: Any) -> Select[Any]:
    statement = (
        select(*columns)
        .select_from(ActivityFact)
        .outerjoin(Programme, Programme.id == ActivityFact.programme_id)
        .where(_live(wanted.year))
    )
    if wanted.task_id is not None:
        own = ActivityFact.primary_task_id == wanted.task_id
        if wanted.with_shared:
            shared = select(FactTask.fact_id).where(FactTask.task_id == wanted.task_id)
            own = or_(own, ActivityFact.id.in_(shared))
        statement = statement.where(own)
    if wanted.kinds:
        statement = statement.where(ActivityFact.kind.in_(wanted.kinds))
    if wanted.programme_kinds:
        statement = statement.where(Programme.kind.in_(wanted.programme_kinds))
    if wanted.month:
        statement = statement.where(ActivityFact.month == wanted.month)
    return _narrow(statement, wanted.hosts)


def count_facts(session: Session, wanted: FactFilter) -> int:
    return session.scalar(_fact_statement(wanted, func.count())) or 0


def sum_facts(session: Session, wanted: FactFilter) -> tuple[int, Grades, int]:
    """(activities, grades, photos) of all facts behind a figure, for the line under the table."""
    row = session.execute(
        _fact_statement(wanted, func.count().label("n"), *_grade_sums(), func.sum(ActivityFact.photos).label("photos"))
    ).one()
    grades = Grades(*(int(value or 0) for value in (row.a, row.b, row.c, row.d)))
    return int(row.n), grades, int(row.photos or 0)


def sum_of_programme(session: Session, programme_id: int) -> tuple[int, Grades]:
    """(activities, grades) of a programme's approved activities, over all years it runs."""
    row = session.execute(
        select(func.count().label("n"), *_grade_sums()).where(
            ActivityFact.programme_id == programme_id, ActivityFact.withdrawn_at.is_(None)
        )
    ).one()
    return int(row.n), Grades(*(int(value or 0) for value in (row.a, row.b, row.c, row.d)))


def _fact_rows(wanted: FactFilter, *columns: Any) -> Select[Any]:
    """Plain columns, newest first: a row of ten thousand needs no object of its own."""
    return (
        _fact_statement(
            wanted, *columns, Activity.code.label("activity_code"), Activity.title,
            Unit.name.label("host"), func.coalesce(HeritageItem.name, "").label("heritage"),
            func.coalesce(Programme.title, "").label("programme"),
        )
        .join(Activity, Activity.id == ActivityFact.activity_id)
        .join(Unit, Unit.id == ActivityFact.host_unit_id)
        .outerjoin(HeritageItem, HeritageItem.id == ActivityFact.heritage_item_id)
        .order_by(ActivityFact.counted_on.desc(), ActivityFact.id.desc())
    )  # fmt: skip


def list_facts(session: Session, wanted: FactFilter, *, page: int = 1, size: int = 50) -> list[FactRow]:
    """One page, newest first; two statements."""
    rows = session.execute(_fact_rows(wanted, *ActivityFact.__table__.c).limit(size).offset((page - 1) * size)).all()
    reached = _reached(session, [row.id for row in rows])
    return [_fact_row(row, reached.get(row.id, ()), wanted.task_id) for row in rows]


_LEDGER = ("id", "kind", "counted_on", "primary_task_id", "sessions", "grade_a", "grade_b", "grade_c", "grade_d",
           "children", "classes", "photos", "origin")  # fmt: skip


def stream_facts(session: Session, wanted: FactFilter, *, at_once: int = 2000) -> Iterator[tuple[Any, list[str]]]:
    """All of them for the ledger, newest first, `at_once` in memory: (row, schools and towns reached).

    A row has the fact's columns of the ledger and activity_code, title, host, heritage, programme.
    """
    statement = _fact_rows(wanted, *(ActivityFact.__table__.c[name] for name in _LEDGER))
    for rows in session.execute(statement, execution_options={"yield_per": at_once}).partitions():
        reached = _reached(session, [row.id for row in rows])
        for row in rows:
            yield row, reached.get(row.id, [])


def _fact_row(row: Any, units: Sequence[str], task_id: int | None) -> FactRow:
    return FactRow(
        code=row.code, activity_code=row.activity_code, title=row.title, kind=row.kind,
        counted_on=row.counted_on, host=row.host, units=tuple(units),
        grades=Grades(row.grade_a, row.grade_b, row.grade_c, row.grade_d), sessions=row.sessions,
        classes=row.classes, pairs=row.pairs, reach=row.reach, children=row.children, photos=row.photos,
        origin=row.origin, is_shared=task_id is not None and row.primary_task_id != task_id,
        primary_task_id=row.primary_task_id, heritage=row.heritage, programme=row.programme, seal=row.seal,
    )  # fmt: skip


def _reached(session: Session, fact_ids: list[int]) -> dict[int, list[str]]:
    """Schools and towns reached by each fact, in the plan's order."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(fact_ids), 500):  # SQLite and the wire both dislike endless IN lists
        rows = session.execute(
            select(FactUnit.fact_id, Unit.name)
            .join(Unit, Unit.id == FactUnit.unit_id)
            .where(FactUnit.fact_id.in_(fact_ids[start : start + 500]), Unit.kind.in_(("school", "town")))
            .order_by(FactUnit.fact_id, Unit.position, Unit.id)
        )
        for fact_id, name in rows:
            names = found.setdefault(fact_id, [])
            if name not in names:
                names.append(name)
    return found


def get_fact(session: Session, code: str) -> ActivityFact:
    """A fact by its code, a withdrawn one too: an old link still says what became of it."""
    fact = session.scalar(select(ActivityFact).where(ActivityFact.code == code))
    if fact is None:
        raise NotFound("没有找到这一笔。")
    return fact
