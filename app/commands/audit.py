"""`flask audit`: verify and export the log."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit.checkpoint import make_checkpoint, verify_signed_log
from app.audit.folder import LOG_NAME, verify_folder, write_folder
from app.audit.log import record
from app.audit.queries import checkpoint_notes, stream_links
from app.checkin.digest import verify_digests, write_events
from app.checkin.sealing import Checked, verify_exported
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction

group = AppGroup("audit", help="审计日志。")


@group.command("verify")
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
def verify(folder: Path | None) -> None:
    """核验数据库里的日志，或导出的 FOLDER，并用签到记录重算封存的摘要；不符时退出码为 1。"""
    key = current_app.extensions["keys"].log_key
    verdict = verify_folder(folder) if folder else verify_signed_log(db.session(), key)
    if not verdict.holds:
        click.echo(f"第 {verdict.bad_seq} 条不对：{verdict.reason}。它前面的 {verdict.count} 条都完好。", err=True)
        sys.exit(1)
    click.echo(f"链完整：{verdict.count} 条，0 处断开。")
    _say_sealed(verify_exported(folder, LOG_NAME) if folder else verify_digests(db.session()))


def _say_sealed(checked: Checked | None) -> None:
    if checked is None:
        click.echo("这个文件夹里没有签到记录，封存的摘要没有重算。")
    elif checked.misfit is not None:
        click.echo(f"签到记录和第 {checked.misfit.sealed.seq} 条的封存摘要不符：{checked.misfit.words}。", err=True)
        sys.exit(1)
    else:
        click.echo(f"签到记录和封存的摘要相符：{checked.sessions} 场。")


@group.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
def export(folder: Path) -> None:
    """把日志、存证点和签到记录写到 FOLDER，可在任何一台装了 Python 的电脑上核验。"""
    moment = now()
    with transaction(db.session) as tx:
        make_checkpoint(tx, current_app.extensions["keys"].log_key, now=moment)
    count = write_folder(folder, stream_links(db.session()), checkpoint_notes(db.session()))
    events = write_events(db.session(), folder)  # after the log: what it holds digests of is among them
    with transaction(db.session) as tx:
        record(
            tx, "audit.exported", actor=SYSTEM, object_type="audit", object_code="log", now=moment,
            payload={"count": count},
        )  # fmt: skip
    click.echo(f"已导出 {count} 条，签到记录 {events} 条，到 {folder}。")
