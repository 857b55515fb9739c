"""The administrator's pages: units, accounts and roles, readers, arrivals; and everyone's own account."""

from __future__ import annotations

from app.web.organisation import (  # noqa: F401 - each adds its views to the blueprint
    account,
    importing,
    readers,
    units,
    users,
)
from app.web.organisation.blueprint import bp

__all__ = ["bp"]
