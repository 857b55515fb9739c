"""Whether an entry is known already: the same form again, the same phone, the same child, the same class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.kernel.errors import Problem, RuleBroken
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_phone, one_line
from app.kernel.tokens import digest
from app.registration.entries import ClassesKnown, Entry, PartyEntry, PhoneTaken, Registered
from app.registration.indexes import PHONE_SLOTS, browser_index, phone_index, submission_index
from app.registration.models import PartyClass, Registration, RegistrationKind, RegistrationState
from app.registration.queries import names_of
from app.registration.rules import ClassEntry
from app.registration.storing import secret_of


@dataclass(frozen=True, slots=True)
class Marks:
    """The blind indexes by which an entry is known again."""

    form: str | None
    phones: tuple[str, ...]  # by slot; one where nobody shares a phone
    browser: str | None


def marks_of(activity: Activity, entry: Entry | PartyEntry, keys: KeyRing) -> Marks:
    code, phone = activity.code, normalise_phone(entry.phone) if entry.phone.strip() else None
    slots = PHONE_SLOTS if activity.takes_parties or activity.names_minors else 1
    return Marks(
        submission_index(keys, code, entry.browser, entry.submission) if entry.submission else None,
        tuple(phone_index(keys, code, phone, slot) for slot in range(slots)) if phone else (),
        browser_index(keys, code, entry.browser) if entry.browser else None,
    )


def read_standing(session: Session, activity: Activity, marks: Sequence[Marks]) -> list[Registration]:
    """Those made by one of these forms, and those standing under one of these phones."""
    forms = [mark.form for mark in marks if mark.form]
    phones = [phone for mark in marks for phone in mark.phones]
    if not forms and not phones:
        return []
    standing = Registration.state != RegistrationState.CANCELLED.value
    wanted = or_(Registration.submission.in_(forms), and_(Registration.phone_index.in_(phones), standing))
    rows = session.scalars(
        select(Registration).where(Registration.activity_id == activity.id, wanted).order_by(Registration.id)
    )
    return list(rows)


def known_among(
    rows: Sequence[Registration], activity: Activity, entry: Entry | PartyEntry, marks: Marks, *, keys: KeyRing
) -> Registered | None:
    """This form sent before, or this phone registered from this browser. Raises PhoneTaken for another browser's."""
    same_phone = None
    for row in rows:
        if marks.form and row.submission == marks.form:
            return Registered(row, secret_of(activity, entry, keys), created=False)
        if same_phone is None and row.phone_index in marks.phones:
            same_phone = row if row.state != RegistrationState.CANCELLED.value else None
    if same_phone is None:
        return None
    if marks.browser and same_phone.browser_index == marks.browser:
        return Registered(same_phone, "", created=False)
    raise phone_taken()


def phone_taken() -> PhoneTaken:
    """What another browser is told."""
    return PhoneTaken(
        "phone_taken", "此手机号已报名。请用报名时的手机打开报名码；找不到了，当天到签到台报手机尾号就行。"
    )


def submission_for(submission: str, *who: str) -> str:
    """A form sent again after 返回 with another child or other classes is another registration; empty stays empty."""
    return f"{submission}.{digest(chr(10).join(map(one_line, who)))[:32]}" if submission else ""


def standing_under(rows: Sequence[Registration], marks: Marks) -> list[Registration]:
    """Those that stand under this phone."""
    return [row for row in rows if row.phone_index in marks.phones and row.state != RegistrationState.CANCELLED.value]


def _same_form(rows: Sequence[Registration], marks: Marks) -> Registration | None:
    return next((row for row in rows if marks.form and row.submission == marks.form), None)


def _check_browser(rows: Sequence[Registration], marks: Marks) -> None:
    """Raises PhoneTaken where none of this phone's registrations came from this browser."""
    if rows and not any(marks.browser and row.browser_index == marks.browser for row in rows):
        raise phone_taken()


def free_slot(rows: Sequence[Registration], marks: Marks) -> int:
    """The first slot of this phone where nobody stands. Raises RuleBroken where there is none."""
    taken = {row.phone_index for row in standing_under(rows, marks)}
    for slot, index in enumerate(marks.phones):
        if index not in taken:
            return slot
    if marks.phones:
        words = f"一个手机号最多报{len(marks.phones)}次，没有保存。还有要报的，请联系主办单位。"
        raise RuleBroken(Problem("phone_full", words, field="phone"))
    return 0


def known_child(
    session: Session, activity: Activity, rows: Sequence[Registration], entry: Entry, marks: Marks, *, keys: KeyRing,
    is_trusted: bool,
) -> Registered | None:  # fmt: skip
    """This form sent before, or this very child under this phone; None for a sibling.

    Raises PhoneTaken for another browser's phone, unless staff or the organizer's own link brings the child.
    """
    again = _same_form(rows, marks)
    if again is not None:
        return Registered(again, secret_of(activity, entry, keys), created=False)
    standing = standing_under(rows, marks)
    if not is_trusted:
        _check_browser(standing, marks)
    names = names_of(session, [row.id for row in standing])
    same = next((row for row in standing if row.is_minor and names.get(row.id) == one_line(entry.name)), None)
    return None if same is None else Registered(same, "", created=False)


def labels_of(entry: PartyEntry) -> list[str]:
    """The classes of a form by name."""
    return sorted(one_line(each.label) for each in entry.classes)


def known_classes(
    session: Session, activity: Activity, rows: Sequence[Registration], entry: PartyEntry, marks: Marks, *,
    keys: KeyRing,
) -> Registered | None:  # fmt: skip
    """This form sent before as it was; None for classes that this phone has not registered yet.

    Raises PhoneTaken for another browser's phone, ClassesKnown where some are registered already.
    """
    again = _same_form(rows, marks)
    if again is not None and (
        again.state == RegistrationState.CANCELLED.value
        or _classes_of(session, [again]) == {each.label: (again, each) for each in _plain(entry.classes)}
    ):
        return Registered(again, secret_of(activity, entry, keys), created=False)
    standing = standing_under(rows, marks)
    _check_browser(standing, marks)
    theirs = [row for row in (again, *standing) if row is not None and row.unit_id == entry.unit_id]
    known = _classes_of(session, [row for row in theirs if row.kind == RegistrationKind.PARTY.value])
    problems, hashes = [], []
    for index, each in enumerate(_plain(entry.classes)):
        if each.label in known:
            words = f"“{each.label}”已经报过了，没有重复报名。要改人数，请打开班级码；这里只填没报过的班。"
            problems.append(Problem("class_known", words, field=f"classes-{index}-label"))
            hashes.append(known[each.label][0].secret_hash or "")
    if problems:
        raise ClassesKnown(problems, list(dict.fromkeys(hashes)))
    return None


def _plain(classes: Sequence[ClassEntry]) -> list[ClassEntry]:
    return [ClassEntry(one_line(each.label), each.pupils, each.adults, each.without_photo) for each in classes]


def _classes_of(session: Session, rows: Sequence[Registration]) -> dict[str, tuple[Registration, ClassEntry]]:
    by_id = {row.id: row for row in rows}
    found = session.scalars(select(PartyClass).where(PartyClass.registration_id.in_(by_id)))
    return {
        each.label: (
            by_id[each.registration_id], ClassEntry(each.label, each.pupils, each.adults, each.without_photo)
        )
        for each in found
    }  # fmt: skip
