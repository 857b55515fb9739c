"""The commands of contract.md; each opens its own transaction."""

from __future__ import annotations

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app import models  # noqa: F401 - migrations compare against every table
from app.commands import audit, backup, checkin, demo, plan, privacy, user
from app.config import Settings
from app.kernel.keys import init_keys

keys_group = AppGroup("keys", help="密钥。")


def settings() -> Settings:
    """The settings of the running app."""
    found: Settings = current_app.extensions["settings"]
    return found


@keys_group.command("init")
def keys_init() -> None:
    """生成缺少的密钥；已有的不动。"""
    made = init_keys(settings().home / "keys")
    click.echo(f"新生成密钥：{'、'.join(made)}" if made else "密钥齐全，没有改动。")


def register(app: Flask) -> None:
    """Attach every command group."""
    for group in (
        keys_group,
        audit.group,
        backup.group,
        checkin.group,
        demo.group,
        plan.group,
        privacy.group,
        user.group,
    ):
        app.cli.add_command(group)
