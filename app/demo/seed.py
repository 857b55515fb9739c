"""A believable district, every invented name marked 示例; made through the product's own services."""

from __future__ import annotations

import random
import secrets
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, Audience, HeritageItem, Listing
from app.activities.rules import PlannedSession
from app.activities.service import ActivityInput, create_activity, publish_activity
from app.checkin.models import Method
from app.checkin.service import Arrival, check_in, enter_count
from app.demo.replies import seed_replies
from app.demo.scenes import near_copy, scene_jpeg
from app.demo.stage import Stage
from app.evidence.models import EvidenceItem, PhotoMatch
from app.evidence.photo_process import photo_process
from app.evidence.service import add_photo, decide_match, settle_photos
from app.evidence.storage import LocalStorage
from app.kernel.actor import SYSTEM, Role
from app.kernel.clock import business_day, shanghai
from app.kernel.keys import KeyRing
from app.organisation.models import ReaderOrder, SystemState, Unit, UnitKind, User
from app.organisation.service import create_unit, create_user, hash_password
from app.planning.models import Indicator, Task
from app.planning.service import set_target
from app.progress.service import add_establishment, add_note, decide
from app.registration.entering import Entry, PartyEntry, register, register_party
from app.registration.rules import ClassEntry
from app.review.service import approve, return_case, submit

TOWNS = ("示例甲镇", "示例乙镇", "示例丙街道", "示例丁街道")
SCHOOLS = (*tuple(f"示例第{n}小学" for n in "一二三四五六"), "示例第一中学", "示例第二中学", "示例实验中学")
HERITAGE = (
    ("剪纸", "传统美术"),
    ("葫芦雕刻", "传统美术"),
    ("木版年画", "传统美术"),
    ("面塑", "传统美术"),
    ("杂技", "传统体育"),
)
ACCOUNTS = (
    ("jingban", "经办人", "示例丙街道", Role.ORGANIZER), ("fuze", "负责人", "示例丙街道", Role.UNIT_MANAGER),
    ("shenhe", "审核人", "区文明办", Role.REVIEWER), ("fuhe", "复核人", "区政工部", Role.SECOND_READER),
    ("shenji", "审计员", "", Role.AUDITOR), ("lingdao", "领导", "", Role.LEADER),
    ("guanli", "管理员", "", Role.ADMINISTRATOR),
)  # fmt: skip
NAMES = ("李女士", "张老师", "陈先生", "王女士", "买买提·艾力", "刘阿姨", "赵师傅")
READERS = ("区文明办", "区政工部", "区教体中心")


def is_seeded(session: Session) -> bool:
    return session.get(SystemState, "demo") is not None


def set_passwords(session: Session, password: str) -> list[tuple[str, str]]:
    """Give every demo account this password; returns (login, role label)."""
    hashed = hash_password(password)
    for login, *_rest in ACCOUNTS:
        user = session.scalar(select(User).where(User.login == login))
        if user is not None:
            user.password_hash = hashed
    return [(login, name) for login, name, *_rest in ACCOUNTS]


def seed_people(session: Session, *, now: datetime) -> dict[str, User]:
    """Towns, schools, accounts and the readers' order."""
    district = session.scalars(select(Unit).where(Unit.kind == UnitKind.DISTRICT.value)).one()
    towns = [
        create_unit(session, name=name, kind=UnitKind.TOWN, parent=district, actor=SYSTEM, now=now, position=50 + i)
        for i, name in enumerate(TOWNS)
    ]
    for i, name in enumerate(SCHOOLS):
        create_unit(
            session, name=name, kind=UnitKind.SCHOOL, parent=towns[i % 4], actor=SYSTEM, now=now, position=100 + i
        )
    units = {unit.name: unit for unit in session.scalars(select(Unit))}
    people = {
        login: create_user(
            session, login=login, name=f"示例{name}", unit=units.get(at, district), roles=[(role, units.get(at, district))],
            actor=SYSTEM, now=now,
        )
        for login, name, at, role in ACCOUNTS
    }  # fmt: skip
    for position, name in enumerate(READERS, start=1):
        reader = people["shenhe"] if name == "区文明办" else people["fuhe"] if name == "区政工部" else None
        session.add(ReaderOrder(position=position, unit_id=units[name].id, reader_id=reader.id if reader else None))
    for name, category in HERITAGE:
        session.add(HeritageItem(name=name, level="市级", category=category))
    session.flush()
    return people


def make_stage(session: Session, *, storage: LocalStorage, keys: KeyRing, now: datetime) -> Stage:
    return Stage(
        session=session,
        units={unit.name: unit for unit in session.scalars(select(Unit))},
        tasks={task.number: task.id for task in session.scalars(select(Task))},
        people={user.login: user for user in session.scalars(select(User))},
        storage=storage, keys=keys, now=now, dice=random.Random(2026),
    )  # fmt: skip


def hold(
    stage: Stage,
    *,
    title: str,
    kind: str,
    task: int,
    day: date,
    host: str,
    school: str = "",
    people: int = 40,
    heritage: str = "",
    classes: int = 0,
    venue: str = "",
) -> Activity:
    """An activity as it went: made before, published, signed in on the day, photos after."""
    start = shanghai(day, time(9, 30))
    before = start - timedelta(days=6)
    actor = stage.actor("jingban")
    item = stage.session.scalar(select(HeritageItem).where(HeritageItem.name == heritage)) if heritage else None
    data = ActivityInput(
        kind=kind, title=title, host_unit_id=stage.units[host].id, venue=venue or (school or host) + "活动室",
        sessions=(PlannedSession(start, start + timedelta(hours=1, minutes=30), None),), audience=Audience.LINK,
        summary="示例数据：大家一起动手，带回家一件作品。", primary_task_id=stage.tasks[task],
        venue_unit_id=stage.units[school].id if school else None, heritage_item_id=item.id if item else None,
        classes=classes,
    )  # fmt: skip
    activity = create_activity(stage.session, data, actor=actor, now=before)
    publish_activity(stage.session, activity, needs_nod=False, actor=actor, now=before)
    _sign_in(stage, activity, people, start)
    for number in range(2):
        taken = start + timedelta(minutes=20 + 15 * number)
        jpeg = scene_jpeg(kind, seed=activity.id * 10 + number, taken_at=taken, size=(960, 720))
        add_photo(
            stage.session, activity, photo_process.convert(jpeg), slot="photos", file_name=f"现场{number + 1}.jpg",
            storage=stage.storage, actor=actor, now=start + timedelta(hours=4),
        )  # fmt: skip
    settle_photos(
        stage.session, activity, minors=bool(school), publish=not school, actor=actor, now=start + timedelta(hours=4)
    )
    return activity


def _sign_in(stage: Stage, activity: Activity, people: int, start: datetime) -> None:
    """Families whose tickets are scanned, more by the live code, some at the desk, the rest counted from paper."""
    row = activity.sessions[0]
    organizer = stage.people["jingban"].id
    here = _scan_tickets(stage, activity, people // 4, start) if activity.takes_registration else 0
    while activity.takes_walk_in and here < people * 0.7:
        size = stage.dice.randint(1, 5)
        method = Method.LIVE_CODE if stage.dice.random() < 0.75 else Method.DESK_WALK_IN
        moment = start - timedelta(minutes=30) + timedelta(seconds=stage.dice.randint(0, 2400))
        check_in(
            stage.session,
            Arrival(secrets.token_urlsafe(16), row.id, method, adults=size, is_walk_in=True, actor_id=organizer),
            now=moment,
        )
        here += size
    if people > here:
        enter_count(
            stage.session, row, adults=0 if activity.venue_unit_id else people - here,
            children=people - here if activity.venue_unit_id else 0, method=Method.PAPER,
            actor=stage.actor("jingban"), now=start + timedelta(hours=2),
        )  # fmt: skip


def _scan_tickets(stage: Stage, activity: Activity, people: int, start: datetime) -> int:
    """Registered families shown their tickets at the gate; returns how many people came so."""
    here = 0
    while here < people:
        adults, children = stage.dice.randint(1, 2), stage.dice.randint(0, 3)
        entry = Entry(None, stage.dice.choice(NAMES), adults, children, "", True, secrets.token_hex(16), "")
        registration = register(
            stage.session, activity, entry, keys=stage.keys, now=start - timedelta(days=2)
        ).registration
        check_in(
            stage.session,
            Arrival(
                secrets.token_urlsafe(16), activity.sessions[0].id, Method.TICKET_SCAN, registration.id,
                actor_id=stage.people["jingban"].id,
            ),
            now=start - timedelta(minutes=stage.dice.randint(1, 25)),
        )  # fmt: skip
        here += adults + children
    return here


def _clear_matches(stage: Stage) -> None:
    """The office has looked: drawn scenes may resemble each other."""
    for match in stage.session.scalars(select(PhotoMatch).where(PhotoMatch.state == "open")):
        decide_match(stage.session, match, same=False, actor=stage.actor("shenhe"), now=stage.now)


def seed_story(stage: Stage) -> None:
    """Eleven approved lessons and the twelfth that waits; a returned case; others across the plan."""
    today = business_day(stage.now)
    for number in range(12):
        name, _ = HERITAGE[number % 5]
        school = SCHOOLS[number % 9]
        activity = hold(
            stage, title=f"{name}进课堂", kind="heritage_visit", task=10, day=today - timedelta(days=9 + 21 * (11 - number)),
            host="示例丙街道", school=school, heritage=name, classes=2 + number % 3, people=70 + 9 * number,
        )  # fmt: skip
        _decide(stage, activity, accept=number < 11)
    others = (
        ("重阳节邻里茶话", "exchange", 9, 33, 38), ("邻里读书会：家书里的中国", "exchange", 7, 26, 30),
        ("“民族团结号”公交站宣传", "publicity", 4, 19, 112), ("理论学习中心组专题学习", "training", 1, 40, 26),
        ("羽毛球邻里赛", "culture_sport", 9, 55, 64), ("就业政策宣讲", "training", 6, 47, 36),
    )  # fmt: skip
    for title, kind, task, ago, people in others:
        _decide(stage, hold(stage, title=title, kind=kind, task=task, day=today - timedelta(days=ago), host="示例丙街道",
                            people=people), accept=True)  # fmt: skip
    _seed_returned(stage, today)
    _seed_waiting(stage, today)
    _seed_progress(stage, today)
    seed_replies(stage)


WAITING = (
    ("示例乙镇", "“民族团结号”公交站宣传", "publicity", 4, 6, 58),
    ("示例丁街道", "就业技能培训", "training", 6, 5, 31), ("示例乙镇", "陀螺与毽球体验", "culture_sport", 10, 8, 73),
    ("示例甲镇", "青少年书信交换日", "youth_exchange", 7, 10, 52), ("示例丁街道", "教育基地研学", "base_visit", 3, 12, 40),
    ("示例甲镇", "邻里包饺子", "exchange", 9, 7, 44),  # last: nobody has compared its pictures yet
)  # fmt: skip


def _seed_waiting(stage: Stage, today: date) -> None:
    """Six more cases; one with a photo that another town used in May."""
    may = hold(
        stage, title="五月葫芦画体验", kind="exchange", task=9, day=date(today.year - (today.month < 6), 5, 16), host="示例丁街道",
        people=35,
    )  # fmt: skip
    _decide(stage, may, accept=True)
    for number, (host, title, kind, task, ago, people) in enumerate(WAITING):
        activity = hold(
            stage, title=title, kind=kind, task=task, day=today - timedelta(days=ago), host=host, people=people
        )
        _clear_matches(stage)
        if number == len(WAITING) - 1:
            _reuse_photo(stage, may, activity)
        claimed = people + 6 if number == 0 else None
        submit(
            stage.session, activity, claimed_headcount=claimed, remark="", actor=stage.actor("jingban"), now=stage.now
        )


def _reuse_photo(stage: Stage, source: Activity, target: Activity) -> None:
    old = stage.session.scalars(
        select(EvidenceItem)
        .where(EvidenceItem.activity_id == source.id, EvidenceItem.slot == "photos")
        .order_by(EvidenceItem.id)
    ).first()
    assert old is not None
    copy = near_copy(stage.storage.path(old.stored_sha256 or "").read_bytes())
    add_photo(
        stage.session, target, photo_process.convert(copy), slot="photos", file_name="合影.jpg", storage=stage.storage,
        actor=stage.actor("jingban"), now=stage.now - timedelta(hours=5),
    )  # fmt: skip


def _seed_progress(stage: Stage, today: date) -> None:
    """Two notes where nothing is counted, a named base, and the office's own target of this year."""
    office, reader = stage.actor("fuhe"), stage.actor("shenhe")
    task = stage.session.get_one(Task, stage.tasks[12])
    for ago, text in ((40, "示例：区、镇、村三级联络员名单已印发。"), (12, "示例：网格员培训方案已部署。")):
        note = add_note(
            stage.session, stage.units["区政工部"], task=task, safeguard=None, text=text, noted_on=today - timedelta(days=ago),
            stage="issued", actor=office, now=stage.now,
        )  # fmt: skip
        decide(stage.session, note, accept=True, reason="", actor=reader, now=stage.now)
    base = add_establishment(
        stage.session, stage.units["示例甲镇"], kind="law_base", level="district", stage="named", name="示例普法宣传教育基地",
        proof="示例〔2026〕3号", named_on=today - timedelta(days=90), actor=office, now=stage.now,
    )  # fmt: skip
    decide(stage.session, base, accept=True, reason="", actor=reader, now=stage.now)
    indicator = stage.session.scalars(
        select(Indicator).where(Indicator.task_id == stage.tasks[10], Indicator.slug == "activities")
    ).one()
    set_target(
        stage.session, indicator, year=today.year, value=12, due_on=date(today.year, 12, 20), reason="示例：本区今年的安排",
        actor=stage.actor("guanli"), now=stage.now,
    )  # fmt: skip


def _seed_returned(stage: Stage, today: date) -> None:
    law = hold(
        stage,
        title="“八五”普法进社区",
        kind="training",
        task=11,
        day=today - timedelta(days=8),
        host="示例丙街道",
        people=42,
    )
    _clear_matches(stage)
    case = submit(
        stage.session,
        law,
        claimed_headcount=42,
        remark="",
        actor=stage.actor("jingban"),
        now=stage.now - timedelta(days=5),
    )
    return_case(
        stage.session,
        case,
        reason="签到表照片看不清表头，请重拍。",
        actor=stage.actor("shenhe"),
        now=stage.now - timedelta(hours=3),
    )


def _decide(stage: Stage, activity: Activity, *, accept: bool) -> None:
    assert activity.ends_at is not None
    _clear_matches(stage)
    after = activity.ends_at + timedelta(days=1)
    case = submit(stage.session, activity, claimed_headcount=None, remark="", actor=stage.actor("jingban"), now=after)
    if accept:
        approve(stage.session, case, actor=stage.actor("shenhe"), now=min(after + timedelta(days=1), stage.now))


def open_today(stage: Stage) -> Activity:
    """A lesson whose sign-in is open now, listed on the home page, with a few who registered."""
    start = stage.now - timedelta(minutes=20)
    heritage = stage.session.scalars(select(HeritageItem).order_by(HeritageItem.id)).first()
    data = ActivityInput(
        kind="heritage_visit", title="剪纸进课堂：石榴窗花", host_unit_id=stage.units["示例丙街道"].id,
        venue="示例第二中学美术室", sessions=(PlannedSession(start, stage.now + timedelta(hours=3), 60),),
        audience=Audience.PUBLIC, summary="师傅带着剪一张石榴窗花，带回家。", primary_task_id=stage.tasks[10],
        venue_unit_id=stage.units["示例第二中学"].id, heritage_item_id=heritage.id if heritage else None, classes=2,
    )  # fmt: skip
    actor = stage.actor("fuze")
    activity = create_activity(stage.session, data, actor=actor, now=start - timedelta(days=3))
    publish_activity(stage.session, activity, needs_nod=True, actor=actor, now=start - timedelta(days=3))
    assert activity.listing == Listing.LISTED.value
    activity.takes_parties = True
    party = PartyEntry(
        None, stage.units["示例第三小学"].id, (ClassEntry("三年级2班", 18, 1, 1),), "周老师", "13900000000", True,
        secrets.token_urlsafe(16), "",
    )  # fmt: skip
    register_party(stage.session, activity, party, keys=stage.keys, now=start - timedelta(days=1))
    for name, adults, children in (("李女士", 2, 1), ("张老师", 1, 0), ("陈先生", 1, 1)):
        entry = Entry(None, name, adults, children, "", True, secrets.token_hex(16), "")
        register(stage.session, activity, entry, keys=stage.keys, now=start - timedelta(days=1))
    for size in (2, 1, 3):
        check_in(
            stage.session,
            Arrival(secrets.token_urlsafe(16), activity.sessions[0].id, Method.LIVE_CODE, adults=size, is_walk_in=True),
            now=start + timedelta(minutes=4),
        )
    return activity
