"""报名 on the web: the public form, and the organizer's list."""

from __future__ import annotations

from app.web.registration import approval, guardian, importing, letters, public, relink, roster, setup  # noqa: F401 - each adds its views to the blueprint
from app.web.registration.blueprint import bp

__all__ = ["bp"]
