"""`flask backup`: make, list, verify, restore."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup
from flask_migrate import upgrade

from app.audit.log import record
from app.commands.night import backup_now, forget_again, place, purge_now
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError
from app.privacy.backup import Check, list_backups, read_manifest, verify
from app.privacy.restore import restore

group = AppGroup("backup", help="备份和恢复。密钥不在备份里，请另存。")


def _fail(error: DomainError) -> None:
    click.echo(error.message, err=True)
    sys.exit(1)


def _tell(name: str, check: Check) -> None:
    extra = f"（{check.note}）" if check.note else ""
    if check.holds:
        click.echo(
            f"{name} 试恢复完好：{check.rows}行，审计日志{check.entries}条，抽查照片{check.pictures}张，"
            f"用时{check.seconds:.1f}秒{extra}。"
        )
        return
    click.echo(f"{name} 不完好{extra}：{'；'.join(check.problems)}", err=True)
    sys.exit(1)


@group.command("make")
def make() -> None:
    """做一份备份，并马上试恢复一次。"""
    try:
        _tell(*backup_now(now()))
    except DomainError as error:
        _fail(error)


@group.command("list")
def show() -> None:
    """有哪些备份。"""
    found = list_backups(place())
    for name in found:
        try:
            manifest = read_manifest(place(), name)
        except (DomainError, OSError):
            click.echo(f"{name}：读不出来，文件不完整或者被改动过")
            continue
        click.echo(f"{name}：{sum(manifest.rows.values())}行，{len(manifest.pictures)}张照片，版本 {manifest.revision}")
    if not found:
        click.echo("还没有备份。运行 flask --app wsgi backup make")


@group.command("verify")
@click.argument("name", required=False)
def check(name: str | None) -> None:
    """把备份 NAME（不写就是最近一份）恢复到临时的地方，核对完整、行数、审计日志和照片。"""
    try:
        names = list_backups(place())
        if name is None and not names:
            click.echo("还没有备份。运行 flask --app wsgi backup make", err=True)
            sys.exit(1)
        chosen = name or names[-1]
        _tell(chosen, verify(place(), chosen))
    except DomainError as error:
        _fail(error)


@group.command("restore")
@click.argument("name")
@click.option("--yes", is_flag=True, help="不再询问")
def bring_back(name: str, yes: bool) -> None:
    """恢复备份 NAME。先停下网页和后台任务；现在的数据库挪到一边，不覆盖。"""
    if not yes:
        click.confirm(f"现在的数据库会挪到一边，换成 {name}。备份之后的报名和签到不在里面。继续吗？", abort=True)
    try:
        moment = now()
        db.session.remove()
        db.engine.dispose()
        aside = restore(place(), name, now=moment)
    except DomainError as error:
        _fail(error)
    upgrade()
    db.session.remove()
    back = forget_again(moment)
    with transaction(db.session) as tx:
        record(tx, "backup.restored", actor=SYSTEM, object_type="backup", object_code=name, now=moment,
               payload={"made_at": read_manifest(place(), name).made_at})  # fmt: skip
    purge_now(moment)
    click.echo(f"已恢复 {name}。原来的数据库在 {aside}，30天后删除。")
    click.echo(
        f"备份之后要求删除过资料的人，已再次删除：{back}份。请运行 flask --app wsgi audit verify，然后启动服务。"
    )
