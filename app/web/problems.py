"""Problems of the rules, put beside the fields that they name."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_wtf import FlaskForm

from app.kernel.errors import RuleBroken


def show_problems(form: FlaskForm, broken: RuleBroken) -> None:
    """Each problem beside its field."""
    for problem in broken.problems:
        field = form._fields[problem.field]
        field.errors = [*field.errors, _(problem.message)]
