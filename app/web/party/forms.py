"""Shapes of the class forms; a row that was left empty is no class."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField, FieldList, Form, FormField, RadioField, SelectField, StringField

from app.kernel.errors import Problem
from app.registration.rules import CLASSES_MOST, ClassEntry
from app.web.registration.forms import CountField, SubmissionForm


class BlankCountField(CountField):
    """A number that may be left out: nothing is 0."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Raises ValueError in words for what is no number."""
        if valuelist and valuelist[0].strip():
            super().process_formdata(valuelist)
        else:
            self.data = 0


class ClassForm(Form):  # type: ignore[misc]
    """One class."""

    label = StringField("年级和班")
    pupils = BlankCountField("学生")
    adults = BlankCountField("带队老师、家长", default=1)
    without_photo = BlankCountField("其中不拍照的学生", default=0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing that matters was typed."""
        return not (self.label.data or "").strip() and not self.pupils.data and not self.pupils.errors


class ClassesForm(SubmissionForm):
    """Classes alone, for changing them."""

    classes = FieldList(FormField(ClassForm), min_entries=1, max_entries=CLASSES_MOST)

    def entries(self) -> tuple[ClassEntry, ...]:
        """The classes that were filled in; a number that is missing is 0 and refused by the rules."""
        return tuple(
            ClassEntry(
                each.form.label.data or "", each.form.pupils.data or 0, each.form.adults.data or 0,
                each.form.without_photo.data or 0,
            )
            for each in self._filled()
        )  # fmt: skip

    def _filled(self) -> list[Any]:
        return [each for each in self.classes if not each.form.is_empty]

    def attach_classes(self, problems: list[Problem]) -> list[Problem]:
        """Put what is wrong with a class beside its field; returns the rest."""
        rest, filled = [], self._filled() or list(self.classes)
        for problem in problems:
            part = problem.field.split("-")
            if len(part) == 3 and part[0] == "classes" and int(part[1]) < len(filled):
                field = filled[int(part[1])].form[part[2]]
                field.errors = [*field.errors, _(problem.message)]
            else:
                rest.append(problem)
        return rest

    def add_row(self) -> None:
        """One more empty class below."""
        if len(self.classes) < CLASSES_MOST:
            self.classes.append_entry()


class PartyForm(ClassesForm):
    """The public form of a school: which school, its classes, one contact."""

    session = RadioField("选一场", choices=[], validate_choice=False)
    phone = StringField("手机号")
    email = StringField("邮箱")
    school = SelectField("学校", choices=[], validate_choice=False)
    name = StringField("联系人")
    consent = BooleanField("同意")
    second_name = StringField("请不要填这一栏")
