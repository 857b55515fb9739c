"""现场控制台: count, desk, live code, list; what the organizer has open on the day."""

from app.web.console import controls, desk, handover, phones, practice, show
from app.web.console.blueprint import bp

__all__ = ["bp", "controls", "desk", "handover", "phones", "practice", "show"]
