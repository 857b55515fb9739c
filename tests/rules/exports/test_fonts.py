"""The poster's font: what it draws, what it reports, and that a missing font is loud."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.exports import fonts
from app.kernel.errors import DomainError


def mask(character: str) -> bytes:
    return bytes(fonts.face(40).getmask(character))


def test_hanzi_dots_quotes_and_four_byte_hanzi_are_drawn() -> None:
    text = "“石榴红·手拉手”——𠮷、買買提·艾力：09:00–10:00，60人"
    assert fonts.checked(text) == fonts.Checked(text)


@pytest.mark.parametrize("character", ["石", "·", "“", "𠮷", "–", "〓"])
def test_a_character_that_counts_as_there_differs_from_the_empty_box(character: str) -> None:
    assert fonts.has_glyph(character)
    assert mask(character) != mask("\U0010ffff")


@pytest.mark.parametrize("character", ["བ", "ۇ", "ᠮ", "😀", "𪜎"])
def test_a_character_that_counts_as_absent_is_the_empty_box(character: str) -> None:
    assert not fonts.has_glyph(character)


def test_a_word_of_another_script_becomes_one_mark_and_is_reported() -> None:
    assert fonts.checked("欢迎 བོད་ཡིག ۇيغۇر ᠮᠣᠩ 来") == fonts.Checked("欢迎 〓 〓 〓 来", ("བོད་ཡིག", "ۇيغۇر", "ᠮᠣᠩ"))


def test_each_missing_hanzi_becomes_its_own_mark() -> None:
    assert fonts.checked("示例𪜎𪜏镇") == fonts.Checked("示例〓〓镇", ("𪜎", "𪜏"))


def test_controls_selectors_and_joiners_vanish_without_a_warning() -> None:
    assert fonts.checked("石\u200b榴\x00红\ufe0f \u200e·\U000e0100 会\n场") == fonts.Checked("石榴红 · 会 场")


def test_a_lone_surrogate_is_reported_and_never_raises() -> None:
    assert fonts.checked("会\ud800场").text == "会〓场"


def test_letters_with_accents_join_before_they_are_looked_up() -> None:
    assert fonts.checked("cafe\u0301") == fonts.Checked("café")


def test_without_the_font_nothing_is_drawn_and_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "PACKAGE", "no_such_wheel")
    with pytest.raises(fonts.FontMissing) as told:
        fonts.font_file()
    assert isinstance(told.value, DomainError)
    assert "字库没有装好" in str(told.value)
    broken = tmp_path / "broken.ttc"
    broken.write_bytes(b"not a font")
    monkeypatch.setattr(fonts, "font_file", lambda: broken)
    with pytest.raises(fonts.FontMissing):
        fonts.face.__wrapped__(41, 400)


def test_the_heavier_weight_has_more_ink() -> None:
    ink = [sum(bytes(fonts.face(60, weight).getmask("榴"))) for weight in (fonts.REGULAR, fonts.BOLD, fonts.BLACK)]
    assert ink == sorted(ink)
    assert ink[0] < ink[2]
