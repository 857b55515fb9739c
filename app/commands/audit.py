"""`flask audit`: verify and export the log."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from app.audit.checkpoint import make_checkpoint, verify_signed_log
from app.audit.folder import verify_folder, write_folder
from app.audit.log import record
from app.audit.queries import checkpoint_notes, stream_links
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction

group = AppGroup("audit", help="审计日志。")


@group.command("verify")
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
def verify(folder: Path | None) -> None:
    """核验数据库里的日志，或导出的 FOLDER；不完整时退出码为 1。"""
    key = current_app.extensions["keys"].log_key
    verdict = verify_folder(folder) if folder else verify_signed_log(db.session(), key)
    if verdict.holds:
        click.echo(f"链完整：{verdict.count} 条，0 处断开。")
        return
    click.echo(f"第 {verdict.bad_seq} 条不对：{verdict.reason}。它前面的 {verdict.count} 条都完好。", err=True)
    sys.exit(1)


@group.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
def export(folder: Path) -> None:
    """把日志和存证点写到 FOLDER，可在任何一台装了 Python 的电脑上核验。"""
    moment = now()
    with transaction(db.session) as tx:
        make_checkpoint(tx, current_app.extensions["keys"].log_key, now=moment)
    count = write_folder(folder, stream_links(db.session()), checkpoint_notes(db.session()))
    with transaction(db.session) as tx:
        record(
            tx, "audit.exported", actor=SYSTEM, object_type="audit", object_code="log", now=moment,
            payload={"count": count},
        )  # fmt: skip
    click.echo(f"已导出 {count} 条到 {folder}。")
