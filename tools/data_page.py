"""Writes docs/data.md from retention.toml, so that the page for people and the purge cannot differ."""

from __future__ import annotations

import sys
from pathlib import Path

from app.privacy.retention import load_retention

TARGET = Path(__file__).resolve().parent.parent / "docs" / "data.md"
HEAD = """# 个人信息留多久

本页由 `python -m tools.data_page` 从 `app/privacy/retention.toml` 生成，不要手改。每晚三点照这张表删除；表里没有的列，测试不让进来。

删除以后人数不变，总览和台账的数字也不变。备份加密保存，30天后作废；从备份恢复时，已经删过的会再删一次。
从来不收：民族、宗教信仰、身份证号、籍贯、位置、人脸。
"""


def page() -> str:
    """The page as it should stand."""
    parts = [HEAD]
    for group, rules in load_retention().groups():
        parts.append(f"\n## {group}\n\n| 是什么 | 为什么 | 什么时候删 | 怎样删 | 依据 |\n|---|---|---|---|---|\n")
        items = [item for _rule, items in rules for item in items]
        parts += [f"| {i.what} | {i.why} | {i.rule.said} | {i.way} | {i.basis} |\n" for i in items]
    return "".join(parts)


def main() -> int:
    TARGET.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
