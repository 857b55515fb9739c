"""A second plan: a new activity is offered its tasks alone, one of the first plan keeps those of the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.activities.queries import task_choices
from app.extensions import db
from app.kernel.database import transaction
from app.planning.models import Plan, Task
from app.planning.pack import find_pack, read_pack
from app.planning.service import load_plan
from tests.cast import make_cast
from tests.factories import NOW


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_tasks_of_two_plans_are_never_in_one_list(app: Flask, tmp_path: Path, newest_first: bool) -> None:
    text = find_pack("liaocheng-2023").read_text(encoding="utf-8")
    second = tmp_path / "second.toml"
    second.write_text(
        text.replace('code = "liaocheng-2023"', 'code = "second"').replace(
            "issued_on = 2023-05-30", "issued_on = 2026-05-30"
        ),
        encoding="utf-8",
    )
    packs = [find_pack("liaocheng-2023"), second]
    with app.app_context():
        with transaction(db.session) as tx:
            make_cast(tx)
            for path in reversed(packs) if newest_first else packs:
                load_plan(tx, read_pack(path), now=NOW)
        session = db.session()
        new, old = (
            [
                row.id
                for row in session.execute(select(Task.id).join(Plan).where(Plan.pack == code).order_by(Task.number))
            ]
            for code in ("second", "liaocheng-2023")
        )
        assert [task_id for task_id, _number, _title in task_choices(session)] == new
        assert [task_id for task_id, _number, _title in task_choices(session, beside=old[3])] == old
        assert [number for _id, number, _title in task_choices(session)] == list(range(1, len(new) + 1))
