"""`flask user create-admin`: the first administrator, with a one-time password."""

from __future__ import annotations

import secrets
import sys

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app.extensions import db
from app.kernel.actor import SYSTEM, Role
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError
from app.organisation.models import Unit, UnitKind
from app.organisation.service import create_user

group = AppGroup("user", help="账号。")


@group.command("create-admin")
@click.option("--login", default="admin", show_default=True, help="登录名")
def create_admin(login: str) -> None:
    """新建系统管理员，打印一次性密码。"""
    password = secrets.token_urlsafe(12)
    try:
        with transaction(db.session) as tx:
            unit = tx.scalar(select(Unit).where(Unit.kind == UnitKind.DISTRICT.value).limit(1))
            if unit is None:
                click.echo("还没有单位。请先运行 flask --app wsgi plan load liaocheng-2023。", err=True)
                sys.exit(1)
            user = create_user(
                tx, login=login, name="系统管理员", unit=unit, password=password,
                roles=[(Role.ADMINISTRATOR, unit)], actor=SYSTEM, now=now(),
            )  # fmt: skip
            user.must_change_password = True
    except DomainError as error:
        click.echo(error.message, err=True)
        sys.exit(1)
    click.echo(f"登录名 {login}，密码 {password}（只显示这一次）。")
