"""`flask privacy`: purge now, and what was removed so far."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.commands.night import purge_now
from app.extensions import db
from app.kernel.clock import now
from app.metrics.queries import count_erased
from app.privacy.queries import count_known, list_purges

group = AppGroup("privacy", help="个人信息到期删除。")
WORDS = {"registrations": "份报名的个人信息", "pictures": "张签到表、同意书图片", "consents": "份监护人同意的内容",
         "feedback": "条投诉建议的内容", "accounts": "个停用账号", "texts": "处手写的原因"}  # fmt: skip


def in_words(counts: dict[str, int]) -> str:
    """The counts of a purge as a sentence."""
    return "、".join(f"{number}{WORDS[name]}" for name, number in counts.items() if number and name in WORDS)


@group.command("purge")
def run_purge() -> None:
    """现在就做每晚的清理：到期的删除，字节一并清掉。"""
    found = purge_now(now())
    click.echo(f"已删除{in_words(found['counts']) or '：没有到期的'}。清掉{found['files']}个没人用的图片文件。")
    click.echo("数据库文件已重写，旧字节不在了。" if found["bytes"] else f"字节还没有全部清掉：{found['note']}。")


@group.command("report")
def report() -> None:
    """已经删除了什么。"""
    session = db.session()
    click.echo(f"已删除个人信息的报名：{count_erased(session)}份；还留着的：{count_known(session)}份。")
    for removed in list_purges(session):
        click.echo(f"{removed.at:%Y-%m-%d %H:%M}（UTC） {in_words(removed.counts)}")
