"""`flask plan`: load a pack, export the document as JSON."""

from __future__ import annotations

import json
import sys

import click
from flask.cli import AppGroup

from app.activities.kinds import KINDS
from app.activities.models import ProgrammeKind
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError
from app.planning.pack import find_pack, read_pack
from app.planning.queries import export_plan
from app.planning.service import load_plan
from app.progress.models import EstablishmentKind, EstablishmentLevel

group = AppGroup("plan", help="实施方案。")
WORDS: dict[str, set[str]] = {
    "kinds": set(KINDS), "programme_kinds": set(ProgrammeKind), "establishment_kinds": set(EstablishmentKind),
    "level": set(EstablishmentLevel),
}  # fmt: skip


@group.command("load")
@click.argument("pack")
def load(pack: str) -> None:
    """载入方案包 PACK（名字或 .toml 文件）；有一处不对就什么都不载入。"""
    try:
        checked = read_pack(find_pack(pack), words=WORDS)
    except DomainError as error:
        click.echo(error.message, err=True)
        sys.exit(1)
    with transaction(db.session) as tx:
        plan = load_plan(tx, checked, now=now())
        click.echo(f"已载入“{plan.title}”。")


@group.command("export")
@click.argument("pack")
def export(pack: str) -> None:
    """把方案 PACK 按 JSON 打印出来（只含原文的目标）。"""
    try:
        click.echo(json.dumps(export_plan(db.session(), pack), ensure_ascii=False, indent=1))
    except DomainError as error:
        click.echo(error.message, err=True)
        sys.exit(1)
