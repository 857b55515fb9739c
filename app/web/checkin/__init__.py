"""签到 on the web: the participant's page behind the venue's code, the six digits, the scanned ticket."""

from app.web.checkin import arrive, digits, hot, ticket
from app.web.checkin.blueprint import bp

__all__ = ["arrive", "bp", "digits", "hot", "ticket"]
