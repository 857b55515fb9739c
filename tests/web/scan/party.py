"""A class with a ticket in tests."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.organisation.models import UnitKind
from app.registration.entering import PartyEntry, register_party
from app.registration.rules import ClassEntry
from tests.factories import make_unit


def enrol_class(
    app: Flask, code: str, *, pupils: int, adults: int, classes: int = 1, school: str = "示例第一小学",
    phone: str = "13800138000",
) -> str:  # fmt: skip
    """The secret of a class's ticket; of several classes of that size on one ticket."""
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        unit = make_unit(tx, name=school, kind=UnitKind.SCHOOL)
        entry = PartyEntry(
            None, unit.id, tuple(ClassEntry(f"三年级{n + 2}班", pupils, adults, 0) for n in range(classes)), "张老师", phone, True, random_secret(), ""
        )  # fmt: skip
        return register_party(tx, activity, entry, keys=app.extensions["keys"], now=now()).secret
