"""`flask checkin`: the check-ins against the events that they are computed from."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.activities.models import Activity
from app.audit.log import record
from app.checkin.corrections import list_differing, rebuild_one
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction

group = AppGroup("checkin", help="签到。")


@group.command("rebuild")
@click.argument("code", required=False)
@click.option("--write", is_flag=True, help="改成签到记录算出来的；不加只比较。")
def rebuild(code: str | None, write: bool) -> None:
    """拿签到人数和签到记录比，CODE 只比这一场活动；有不符的，退出码为 1（加 --write 改好的也是）。"""
    wanted = select(Activity.id, Activity.code).order_by(Activity.id)
    activities = db.session.execute(wanted if code is None else wanted.where(Activity.code == code)).all()
    if code is not None and not activities:
        click.echo(f"没有编号是 {code} 的活动。", err=True)
        sys.exit(2)
    differing = 0
    for activity_id, activity_code in activities:  # a transaction each: sign-in waits for none of them long
        found = _of_one(activity_id, activity_code, write=write)
        differing += found
        if found:
            click.echo(f"活动 {activity_code}：{found} 条不符{'，已改' if write else ''}。", err=True)
    if differing:
        click.echo(f"共 {differing} 条和签到记录不符{'，都已改好' if write else '。加 --write 改'}。", err=True)
        sys.exit(1)
    click.echo(f"{len(activities)} 场活动的签到人数和签到记录一致。")


def _of_one(activity_id: int, activity_code: str, *, write: bool) -> int:
    with transaction(db.session) as tx:
        found = list_differing(tx, activity_id)
        if found and write:
            for pair in found:
                rebuild_one(tx, *pair)
            record(
                tx, "checkin.rebuilt", actor=SYSTEM, object_type="activity", object_code=activity_code, now=now(),
                payload={"count": len(found)},
            )  # fmt: skip
    return len(found)
