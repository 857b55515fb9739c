"""Where lines of Chinese break."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exports.setting import NO_START, OPENING, balanced, em_width, pieces, wrapped

TEXT = st.text(alphabet="石榴红非遗进校园活动，。“”（）·、？2023年a9: ", min_size=1, max_size=60)


@given(TEXT, st.integers(4, 20))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = wrapped(text, width, em_width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(em_width(line) <= width for line in lines)


@given(TEXT)
def test_no_line_of_a_title_starts_with_a_stop_or_ends_with_an_opening_mark(text: str) -> None:
    lines = balanced(text, 12, 9, em_width) or []
    starts_well = text.strip()[:1] not in NO_START
    for before, after in pairwise(lines):
        assert before[-1] not in OPENING
        assert after[0] not in NO_START or not starts_well or " " in text


def test_numbers_and_words_of_latin_letters_stay_whole() -> None:
    assert pieces("2023年 09:00–10:00 WiFi") == ["2023", "年", " ", "09:00–10:00", " ", "WiFi"]


@pytest.mark.parametrize(
    ("title", "width", "lines"),
    [
        ("石榴红秋日市集", 8.1, ["石榴红秋日市集"]),
        ("石榴红秋日市集", 4.5, ["石榴红", "秋日市集"]),
        ("“石榴红·手拉手”青少年交流夏令营", 10, ["“石榴红·手拉手”", "青少年交流夏令营"]),
        ("非遗进校园：剪纸体验课", 8, ["非遗进校园：", "剪纸体验课"]),
    ],
)
def test_a_title_breaks_where_one_would_take_breath(title: str, width: float, lines: list[str]) -> None:
    assert balanced(title, width, 3, em_width, split=False) == lines


def test_a_short_quoted_name_stays_on_one_line_or_the_size_is_refused() -> None:
    title = "“石榴红·手拉手”青少年夏令营"
    assert balanced(title, 8.8, 3, em_width, split=False) is None
    assert balanced(title, 9.1, 3, em_width, split=False) == ["“石榴红·手拉手”", "青少年夏令营"]
    assert balanced(title, 8.8, 3, em_width) is not None


def test_a_title_too_long_for_its_lines_is_refused() -> None:
    assert balanced("石榴红" * 10, 8, 3, em_width) is None
