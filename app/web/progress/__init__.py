"""Establishments, progress notes, one's own of both, and the office's desk."""

from __future__ import annotations

from app.web.progress import desk, establishments, notes
from app.web.progress.blueprint import bp

__all__ = ["bp", "desk", "establishments", "notes"]
