"""活动 on the web: list, new and edit, one activity, its listing, twins and share kit; 系列活动."""

from __future__ import annotations

from app.web import programmes  # noqa: F401 - 系列活动 stand in the same room
from app.web.activities import detail, edit, listing, poster, share  # noqa: F401 - each adds its views to the blueprint
from app.web.activities.blueprint import bp

__all__ = ["bp"]
