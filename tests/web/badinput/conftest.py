"""The district with its plan and two approved activities, as the plan's pages have it."""

from tests.web.planning.conftest import district

__all__ = ["district"]
