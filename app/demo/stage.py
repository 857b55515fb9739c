"""What the makers of the demo share."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.evidence.storage import LocalStorage
from app.kernel.actor import Actor
from app.kernel.keys import KeyRing
from app.organisation.models import Unit, User
from app.organisation.queries import actor_of


@dataclass
class Stage:
    """What the makers share."""

    session: Session
    units: dict[str, Unit]
    tasks: dict[int, int]
    people: dict[str, User]
    storage: LocalStorage
    keys: KeyRing
    now: datetime
    dice: random.Random

    def actor(self, login: str) -> Actor:
        return actor_of(self.session, self.people[login])
