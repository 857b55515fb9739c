"""One word for one thing (glossary), and Chinese typography on screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import name_of, python_files, strings_of, template_files

FORBIDDEN = {
    "隔离": "待核实",
    "催办": "提醒",
    "未通过": "不予计入",
    "任务组": "方面",
    "打卡": "签到",
    "考勤": "签到",
}
_HANZI = "[\u4e00-\u9fff]"
TYPOGRAPHY = {
    "half-width punctuation after hanzi": re.compile(rf"{_HANZI}[,;!](?![\d/=&])"),
    "blank between hanzi": re.compile(rf"{_HANZI} +{_HANZI}"),
    "blank before a number's measure word": re.compile(r"\d +(场|节|校|人|次|张|条|项|个|天|人次)"),
}
# Official text that we quote as it stands, and blanks that a date or a list of terms needs.
QUOTED = ("app/planning/packs/",)
ALLOWED = re.compile(r"[日月] 周|带 必填 的|等 区|^(\S{1,4} ){3,}\S{1,4}$")
_JINJA_COMMENT = re.compile(r"\{#.*?#\}", re.S)
_TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.S)
_SOURCE_STRINGS = re.compile(r"_\(\s*'([^']*)'|_\(\s*\"([^\"]*)\"")


def forbidden_words(text: str) -> list[str]:
    """The words of the text that the glossary replaces, each with the right one."""
    return [f"{word} → {right}" for word, right in FORBIDDEN.items() if word in text]


def untidy(text: str) -> list[str]:
    """Places of the text that break Chinese typography."""
    plain = ALLOWED.sub("", text)
    return [f"{rule}: …{found[0]}…" for rule, pattern in TYPOGRAPHY.items() if (found := pattern.search(plain))]


def words_on_screen() -> list[tuple[str, str]]:
    """Place and text of what may reach a screen: templates, and strings of the product."""
    found = []
    for path in template_files():
        text = _JINJA_COMMENT.sub("", path.read_text("utf-8"))
        found += [(name_of(path), "".join(pair)) for pair in _SOURCE_STRINGS.findall(text)]
        found += [(name_of(path), part) for part in _TAGS.split(text)]
    for source in _spoken():
        lines = strings_of(source.read_text("utf-8"))
        found += [(f"{name_of(source)}:{line}", value) for line, value in lines]
    return found


def _spoken() -> list[Path]:
    return [path for path in python_files("app") if not name_of(path).startswith(QUOTED)]


def test_screens_use_the_words_of_the_glossary() -> None:
    assert [(place, found) for place, text in words_on_screen() if (found := forbidden_words(text))] == []


def test_screens_keep_chinese_typography() -> None:
    assert [(place, found) for place, text in words_on_screen() if (found := untidy(text))] == []


@pytest.mark.parametrize(("text", "right"), [("该条已隔离", "待核实"), ("审核未通过", "不予计入"), ("催办", "提醒")])
def test_a_word_outside_the_glossary_is_found(text: str, right: str) -> None:
    assert right in forbidden_words(text)[0]


@pytest.mark.parametrize("text", ["已保存,可以离开", "已 保存", "共 12 场"])
def test_untidy_typography_is_found(text: str) -> None:
    assert untidy(text)


@pytest.mark.parametrize("text", ["10月21日 周六 09:00–10:00", "已保存，可以离开", "12节 · 9校", "a, b"])
def test_tidy_typography_passes(text: str) -> None:
    assert untidy(text) == []
