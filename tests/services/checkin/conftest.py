"""The open transaction that each check-in test works in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.kernel.database import transaction
from tests.services.checkin.stage import Stage, make_stage


@pytest.fixture
def stage(app: Flask) -> Iterator[Callable[..., Stage]]:
    """`stage(**columns of the activity)` in a transaction that commits at the end."""
    with app.app_context(), transaction(db.session) as tx:

        def make(**columns: Any) -> Stage:
            return make_stage(tx, app.extensions["keys"], **columns)

        yield make
