"""Every table in one place, for migrations and the schema tests."""

from app.activities import models as activities
from app.audit import models as audit
from app.checkin import models as checkin
from app.evidence import models as evidence
from app.feedback import models as feedback
from app.kernel import attempts
from app.organisation import models as organisation
from app.planning import models as planning
from app.progress import models as progress
from app.registration import models as registration
from app.review import models as review

__all__ = [
    "activities", "attempts", "audit", "checkin", "evidence", "feedback", "organisation", "planning",
    "progress", "registration", "review",
]  # fmt: skip
