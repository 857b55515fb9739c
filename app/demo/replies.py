"""The demo's answers: messages to the office, letters to participants, a camp with named children."""

from __future__ import annotations

import secrets
from datetime import time, timedelta

from sqlalchemy import select

from app.activities.models import Activity, Audience
from app.activities.rules import PlannedSession
from app.activities.service import ActivityInput, create_activity, publish_activity
from app.demo.stage import Stage
from app.feedback.service import Message, answer, receive
from app.kernel.clock import business_day, shanghai
from app.registration.entering import Entry, register
from app.registration.guardians import MinorEntry, ask_guardian, register_minor
from app.registration.models import ConsentWay, MailNotice
from app.registration.outbox import settle

MESSAGES = (
    ("complaint", "示例：签到排队等了二十分钟，能不能多摆一张桌子？", "138 0000 0000", 12, "已多设一个签到台，谢谢提醒。"),
    ("suggestion", "示例：希望周末也办剪纸课，上班的家长能一起来。", "", 30, ""),
    ("suggestion", "示例：大屏的字再大一点，后排的老人看不清。", "", 1, ""),
)  # fmt: skip
FAMILIES = (("李女士", 1, 1), ("陈先生", 2, 1), ("买买提·艾力", 1, 2), ("王女士", 1, 0))
REFUSED = 1  # the second family's address has a typing mistake


def seed_replies(stage: Stage) -> None:
    """All three; the days lie around today."""
    _messages(stage)
    _letters(stage)
    _camp(stage)


def _messages(stage: Stage) -> None:
    about = stage.session.scalars(select(Activity).where(Activity.review_state == "approved").order_by(Activity.id))
    activity = about.first()
    for number, (sort, text, contact, ago, words) in enumerate(MESSAGES):
        at = stage.now - timedelta(days=ago)
        message = Message(sort, text, contact, secrets.token_urlsafe(16), secrets.token_urlsafe(16))
        row, _receipt = receive(stage.session, message, None if number else activity, keys=stage.keys, now=at)
        if words:
            answer(stage.session, row, text=words, actor=stage.actor("shenhe"), now=at + timedelta(days=2))


def _coming(stage: Stage, *, title: str, kind: str, task: int, days: int, places: int) -> Activity:
    start = shanghai(business_day(stage.now) + timedelta(days=days), time(9, 30))
    before, actor = stage.now - timedelta(days=3), stage.actor("jingban")
    data = ActivityInput(
        kind=kind, title=title, host_unit_id=stage.units["示例丙街道"].id, venue="示例丙街道文化站",
        sessions=(PlannedSession(start, start + timedelta(hours=2), places),), audience=Audience.LINK,
        summary="示例数据：大家一起动手。", bring="水杯", primary_task_id=stage.tasks[task],
    )  # fmt: skip
    activity = create_activity(stage.session, data, actor=actor, now=before)
    publish_activity(stage.session, activity, needs_nod=False, actor=actor, now=before)
    return activity


def _letters(stage: Stage) -> None:
    """Every letter has been tried: nothing of the demo ever leaves the house."""
    activity = _coming(stage, title="邻里面塑体验", kind="exchange", task=9, days=4, places=30)
    activity.sends_mail = True
    at = stage.now - timedelta(days=1)
    for number, (name, adults, children) in enumerate(FAMILIES):
        form, address = secrets.token_urlsafe(16), f"family{number}@example.com"
        entry = Entry(None, name, adults, children, "", True, form, form, address)
        made = register(stage.session, activity, entry, keys=stage.keys, now=at).registration
        for notice in stage.session.scalars(select(MailNotice).where(MailNotice.registration_id == made.id)):
            notice.tries = 1
            settle(stage.session, notice.id, "refused" if number == REFUSED else "", now=at + timedelta(minutes=1))


def _camp(stage: Stage) -> None:
    """Two children with their guardians' consent, one place that waits for an answer."""
    activity = _coming(stage, title="小讲解员训练营", kind="youth_exchange", task=7, days=6, places=12)
    activity.names_minors = True
    at, actor = stage.now - timedelta(days=1), stage.actor("jingban")
    for name, given_as, phone in (("小石榴", "mother", "13900000001"), ("小葫芦", "father", "13900000002")):
        entry = MinorEntry(None, name, given_as, phone, True, ConsentWay.SCHOOL, recorded_by_id=actor.user_id)
        register_minor(stage.session, activity, entry, keys=stage.keys, now=at, actor=actor)
    ask_guardian(stage.session, activity, session_code=None, keys=stage.keys, actor=actor, now=at)
