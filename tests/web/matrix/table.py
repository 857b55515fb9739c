"""What each address names, and who may open it: written down apart from the views, so that a view cannot be its own judge."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.organisation.permissions import Action

# The people of tests/cast.py by login; the unit of the first two is the town that owns the scene.
PEOPLE = ("", "jingban", "fuze", "yizhen", "shenhe", "fuhe", "shenji", "lingdao", "guanli")
UNIT_OF = {"jingban": "town", "fuze": "town", "yizhen": "other_town"}


@dataclass(frozen=True)
class Place:
    """`action`: what one must be allowed at the object's unit; "public" and "signed_in" are open.

    `names`: argument → object of the scene, or `=` and a fixed value. `at`: `unit` where a foreign unit's is 404, the
    others in test_matrix.expected.
    """

    action: Action | str
    names: dict[str, str] = field(default_factory=dict)
    at: str = "unit"


def _activity(action: Action, **more: str) -> Place:
    return Place(action, {"code": "activity", **more})


_EDIT, _DESK, _ROSTER = Action.ACTIVITY_EDIT, Action.CHECK_IN, Action.ROSTER_READ
_SESSION = {"session_code": "session"}

PLACES: dict[str, Place] = {
    "activities.cancel": _activity(_EDIT),
    "activities.copy": _activity(_EDIT),
    "activities.decide_listing": _activity(Action.ACTIVITY_LIST_PUBLICLY, verb="=accept"),
    "activities.detail": _activity(Action.ACTIVITY_READ),
    "activities.discard": _activity(_EDIT),
    "activities.edit": _activity(_EDIT),
    "activities.edit_programme": Place(Action.PROGRAMME_EDIT, {"code": "programme"}),
    # Only beside a second write-up of the same event, which a scene has not: tests/web/activities holds the rest.
    "activities.join": Place(_EDIT, {"code": "activity"}, "twin"),
    "activities.keep_apart": _activity(_EDIT),
    "activities.poster": _activity(_EDIT),
    "activities.poster_png": _activity(_EDIT),
    "activities.practise": _activity(_EDIT),
    "activities.preview": _activity(_EDIT),
    "activities.programme": Place(Action.FIGURES_READ, {"code": "programme"}, "district"),
    "activities.publish": _activity(_EDIT),
    "activities.qr_png": _activity(_EDIT),
    "activities.share": _activity(_EDIT),
    "activities.twins": _activity(_EDIT),
    "activities.withdraw": _activity(_EDIT),
    "checkin.arrive": Place("public", {"code": "session"}),
    "checkin.sign": Place("public", {"code": "session"}),
    "checkin.staff_ticket": Place(_DESK, {"secret": "secret"}),
    "console.arrive": _activity(_DESK, **_SESSION),
    "console.ask_undo": _activity(_DESK, **_SESSION, uid="uid"),
    "console.count": _activity(_DESK, **_SESSION),
    "console.find": _activity(_DESK, **_SESSION),
    "console.ask_revoke": _activity(_DESK, phone="phone"),
    "console.list_paired": _activity(_DESK),
    "console.handover_form": _activity(_DESK),
    "console.handover_preview": _activity(_DESK),
    "console.handover_take": _activity(_DESK),
    "console.drill": _activity(_DESK),
    "console.no_network": _activity(_DESK),
    "console.revoke": _activity(_DESK, phone="phone"),
    "console.open_screen": _activity(_DESK, **_SESSION),
    "console.printed": _activity(_DESK, **_SESSION),
    "console.set_open": _activity(_DESK, **_SESSION),
    "console.show": _activity(_DESK),
    "console.switch_printed": _activity(_DESK, **_SESSION),
    "console.undo": _activity(_DESK, **_SESSION, uid="uid"),
    "console.walk_in": _activity(_DESK, **_SESSION),
    "evidence.add": _activity(Action.EVIDENCE_EDIT, sort="=links", slot="=media"),
    "evidence.index": _activity(Action.EVIDENCE_READ),
    "evidence.picture": Place(Action.EVIDENCE_READ, {"code": "item"}, "picture"),
    "evidence.remove": _activity(Action.EVIDENCE_EDIT, item_code="item"),
    "evidence.settle": _activity(Action.EVIDENCE_EDIT),
    "evidence.upload": _activity(Action.EVIDENCE_EDIT, slot="=photos"),
    "held.count_lot": _activity(_DESK, phone="phone"),
    "held.decide": _activity(_DESK, held_code="held"),
    "held.list_open": _activity(_DESK),
    "feedback.one": Place(Action.FEEDBACK_ANSWER, {"code": "feedback"}),
    "feedback.answer": Place(Action.FEEDBACK_ANSWER, {"code": "feedback"}),
    "feedback.contact": Place(Action.FEEDBACK_ANSWER, {"code": "feedback"}),
    "photos.show": Place("public", {"code": "shown", "item_code": "shown_item"}),
    "photos.takedown": Place("public", {"code": "shown", "item_code": "shown_item"}),
    "photos.clear": _activity(Action.EVIDENCE_EDIT, item_code="item", verb="=clear"),
    "photos.decide": _activity(Action.EVIDENCE_EDIT, item_code="item", verb="=keep"),
    "organisation.unit": Place(Action.ORGANISATION_MANAGE, {"code": "office"}),
    "organisation.edit_unit": Place(Action.ORGANISATION_MANAGE, {"code": "office", "verb": "=retire"}),
    "organisation.user": Place(Action.ORGANISATION_MANAGE, {"code": "user"}),
    "organisation.change_user": Place(Action.ORGANISATION_MANAGE, {"code": "user", "verb": "=invite"}),
    "organisation.change_reader": Place(Action.ORGANISATION_MANAGE, {"unit": "office", "verb": "=people"}),
    "progress.edit_establishment": Place(Action.ESTABLISHMENT_WRITE, {"code": "establishment"}),
    "progress.edit_note": Place(Action.NOTE_WRITE, {"code": "note"}),
    "progress.move": Place(Action.ESTABLISHMENT_WRITE, {"code": "establishment"}),
    "progress.decide_one": Place(Action.NOTE_DECIDE, {"code": "note", "sort": "=notes", "verb": "=approve"}),
    "party.form": Place("public", {"code": "activity"}),
    "party.submit": Place("public", {"code": "activity"}),
    "party.classes": Place("public", {"secret": "class_secret"}),
    "party.change": Place("public", {"secret": "class_secret"}),
    "party.arrived": Place("public", {"secret": "class_secret"}),
    "party.confirm": _activity(_DESK, **_SESSION, registration_code="party"),
    "registration.setup": _activity(_EDIT),
    "registration.save_setup": _activity(_EDIT),
    "registration.add_question": _activity(_EDIT),
    "registration.remove_question": _activity(_EDIT, question_code="question"),
    "registration.set_quota": Place(_EDIT, {"code": "activity"}, "twin"),  # an empty form names no unit
    "registration.hold": _activity(_EDIT),
    "registration.release": _activity(_EDIT, hold_code="hold"),
    "registration.lost": Place("public", {"code": "activity"}),
    "registration.find_again": Place("public", {"code": "activity"}),
    "registration.desk_relink": _activity(_ROSTER, registration_code="registration"),
    "registration.child": Place("public", {"code": "activity"}),
    "registration.register_child": Place("public", {"code": "activity"}),
    "registration.minor_desk": _activity(_EDIT),
    "registration.ask_minor": _activity(_EDIT),
    "registration.add_minor": _activity(_EDIT),
    "registration.mail": _activity(_ROSTER),
    "registration.resend_mail": _activity(_EDIT),
    "registration.accept": _activity(_EDIT, registration_code="registration"),
    "registration.approve": _activity(_EDIT, registration_code="registration"),
    "registration.ask_decline": _activity(_EDIT, registration_code="registration"),
    "registration.decline": _activity(_EDIT, registration_code="registration"),
    "public.activity": Place("public", {"code": "activity"}),
    "public.activity_calendar": Place("public", {"code": "activity"}),
    "public.public_programme": Place("public", {"code": "programme"}),
    "registration.add": _activity(_EDIT),
    "registration.ask_cancel": _activity(_EDIT, registration_code="registration"),
    "registration.blank_sheet": _activity(_ROSTER),
    "registration.cancel": _activity(_EDIT, registration_code="registration"),
    "registration.desk": _activity(_EDIT),
    "registration.form": Place("public", {"code": "activity"}),
    "registration.import_form": _activity(_EDIT),
    "registration.import_template": _activity(_EDIT),
    "registration.import_preview": _activity(_EDIT),
    "registration.import_rows": _activity(_EDIT),
    "registration.import_progress": _activity(_EDIT, run="=" + "r" * 22),
    "registration.import_stop": _activity(_EDIT, run="=" + "r" * 22),
    "registration.reveal": _activity(_ROSTER),
    "registration.roster": _activity(_ROSTER),
    "registration.set_places": _activity(_EDIT, **_SESSION),
    "registration.sheet": _activity(_ROSTER),
    "registration.submit": Place("public", {"code": "activity"}),
    "review.case_page": Place(Action.REVIEW, {"code": "case"}, "case"),
    "review.decide": Place(Action.REVIEW, {"code": "case", "verb": "=return"}, "case"),
    "review.reopen": _activity(Action.REOPEN),
    "review.submit": _activity(Action.SUBMIT),
    "review.withdraw": _activity(Action.SUBMIT),
} | {
    f"tickets.{name}": Place("public", {"secret": "secret"})
    for name in ("answer", "ask_cancel", "calendar", "cancel", "change", "forget", "people", "seen", "show")
} | {
    # The pages with values: a member of staff who scanned the ticket signs it in and reads nothing.
    f"tickets.{name}": Place("public", {"secret": "secret"}, "bearer") for name in ("ask_erase", "data", "data_file", "erase")
}  # fmt: skip

# Addresses whose argument names no object of anybody.
WITHOUT_OBJECT = {
    "scan.module",  # one of the product's own files
    "auth.login", "demo.enter", "organisation.accept", "organisation.change_account", "planning.task",
    "registration.guardian", "progress.new_note", "progress.new_safeguard_note", "static", "styleguide.error",
    # Their own tests hold them: a fact and a pair of pictures need a whole review behind them, a target a plan.
    "metrics.fact", "review.decide_match", "planning.retire", "planning.target",
}  # fmt: skip
