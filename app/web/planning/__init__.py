"""The plan's pages: the document, a task, safeguards, and the office's own targets."""

from __future__ import annotations

from app.web.planning import pages, safeguards, targets
from app.web.planning.blueprint import bp

__all__ = ["bp", "pages", "safeguards", "targets"]
