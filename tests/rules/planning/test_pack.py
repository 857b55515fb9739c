"""A plan pack with a wrong sort of value or an unknown filter word is refused with its line; nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands.plan import WORDS
from app.planning.pack import PackRefused, find_pack, read_pack

TEXT = find_pack("liaocheng-2023").read_text(encoding="utf-8")


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pack.toml"
    path.write_text(text, encoding="utf-8")
    read_pack(path, words=WORDS)


def test_the_packs_of_the_product_hold(tmp_path: Path) -> None:
    read(tmp_path, TEXT)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('lead = ["区教体中心"]', 'lead = "区教体中心"', "“lead”要是几段文字的列表"),
        ('responsible = ["各镇（街道）"]', "responsible = [7]", "“responsible”要是几段文字的列表"),
        ('lead = ["区教体中心"]', 'lead = [""]', "“lead”要是几段文字的列表"),
        ("number = 2\n", 'number = "2"\n', "“number”要是整数"),
        ("number = 2\n", "number = true\n", "“number”要是整数"),
        ("issued_on = 2023-05-30", 'issued_on = "2023-05-30"', "“issued_on”要是日期"),
        ("issued_on = 2023-05-30", "issued_on = 2023-05-30T08:00:00", "“issued_on”要是日期"),
        ("due_on = 2023-11-30", 'due_on = "11月底"', "“due_on”要是日期"),
        ("value = 1\n", 'value = "1"\n', "“value”要是整数"),
        ("value = 1\n", "value = 0\n", "目标值要是1以上的整数"),
        ('short_title = "党政干部教育"', 'short_title = ["党政干部教育"]', "“short_title”要是文字"),
    ],
)
def test_a_wrong_sort_of_value_is_named(tmp_path: Path, before: str, after: str, words: str) -> None:
    assert before in TEXT
    with pytest.raises(PackRefused, match="什么都没有载入") as caught:
        read(tmp_path, TEXT.replace(before, after, 1))
    assert words in caught.value.message


@pytest.mark.parametrize(
    "line",
    [
        'kinds = ["excange"]',
        'programme_kinds = ["month"]',
        'establishment_kinds = ["base"]',
        'level = "town"',
        'kinds = "exchange"',
    ],
)
def test_a_filter_word_that_nothing_has_is_refused(tmp_path: Path, line: str) -> None:
    """It would count nothing, and a figure of 0 would look true."""
    marked = 'slug = "activities"\nlabel = "活动"\nunit_word = "场"\nmeasure = "activities"\n'
    assert marked in TEXT
    with pytest.raises(PackRefused):
        read(tmp_path, TEXT.replace(marked, f"{marked}filters = {{ {line} }}\n", 1))
