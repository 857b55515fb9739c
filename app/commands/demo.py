"""`flask demo seed`: a believable district; a rerun keeps data and opens a fresh session for today."""

from __future__ import annotations

import secrets
import sys
from datetime import datetime

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select

from app.demo.crowd import grow
from app.demo.seed import is_seeded, make_stage, open_today, seed_people, seed_story, set_passwords
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import SystemState
from app.planning.models import Plan

group = AppGroup("demo", help="示例数据。")


@group.command("seed")
@click.option("--activities", type=click.IntRange(0, 100_000), default=0, help="再加这么多场批量活动，用来量快慢。")
@click.option("--checkins", type=click.IntRange(0, 10_000_000), default=0, help="批量活动一共有这么多次签到。")
def seed(activities: int, checkins: int) -> None:
    """写入示例数据；再运行只为今天开一场新的。"""
    settings = current_app.extensions["settings"]
    if settings.is_production:
        click.echo("正式环境不写示例数据。", err=True)
        sys.exit(1)
    if db.session.scalar(select(Plan.id).limit(1)) is None:
        click.echo("请先运行 flask --app wsgi plan load liaocheng-2023。", err=True)
        sys.exit(1)
    moment = now()
    password = settings.demo_password or secrets.token_urlsafe(9)
    storage = LocalStorage(settings.storage_root)
    with transaction(db.session) as tx:
        fresh = not is_seeded(tx)
        if fresh:
            seed_people(tx, now=moment)
        stage = make_stage(tx, storage=storage, keys=current_app.extensions["keys"], now=moment)
        if fresh:
            seed_story(stage)
            tx.add(SystemState(name="demo", value="1"))
        open_today(stage)
        accounts = set_passwords(tx, password)
    if activities:
        _grow(activities, checkins, moment)
    click.echo("示例账号（密码都是 " + password + "）：" + "、".join(f"{login} {name}" for login, name in accounts))


def _grow(activities: int, check_ins: int, moment: datetime) -> None:
    with click.progressbar(length=activities, label="批量示例", file=sys.stderr) as bar, transaction(db.session) as tx:
        grow(tx, activities=activities, check_ins=check_ins, now=moment, tell=bar.update)
    click.echo(f"另加 {activities} 场批量活动，{check_ins} 次签到。")
