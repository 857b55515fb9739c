"""团体: a school registers its classes by head-count, says how many came, and the desk confirms it."""

from app.web.party import desk, enter, ticket
from app.web.party.blueprint import bp

__all__ = ["bp", "desk", "enter", "ticket"]
