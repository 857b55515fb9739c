"""Posters as pictures: sizes, codes that can be scanned, and text that is never cut."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from app.exports.poster import A4, CHAT, CHAT_BYTES_MOST, PosterInput, Size, poster_png, poster_warnings, title_setting
from app.exports.poster import _body as body
from app.exports.setting import em_width

PLAIN = PosterInput(
    title="石榴红秋日市集", tagline="一起剪纸、画葫芦，带回家", when_lines=["10月21日 周六", "09:00–10:00　10:30–11:30"],
    venue="示例文化广场", venue_note="东门集合，下小雨照常", host="示例丙街道", co_hosts=["示例文化馆"],
    notes_lines=["大人小孩都能来，每场60人。"], url="https://shiliu.example/a/k3m9x2p7q4ab", scene="heritage_visit",
    serial="k3m9x2p7q4ab",
)  # fmt: skip
LONG = replace(
    PLAIN,
    title="“石榴花开·籽籽同心”2023年度全区铸牢中华民族共同体意识宣传月启动仪式暨群众文艺演出和非遗技艺集中展示体验活动（第二场）",
    tagline="一场演出、二十个摊位、四十位手艺人，欢迎各社区、各学校的大朋友和小朋友一起来看一看、学一学、做一做",
    when_lines=[f"11月{day}日 周六 09:00–11:30" for day in range(1, 13)],
    venue="示例丁镇新时代文明实践中心暨民族团结进步教育基地三楼多功能厅",
    venue_note="从南门进，公交站步行10分钟，停车场在负一层；下雨改在示例第一小学体育馆",
    co_hosts=["示例文化馆", "示例丙街道", "示例丁镇人民政府", "示例第一小学", "示例第二小学"],
    notes_lines=["不会扫码？到示例丙街道文化站，工作人员帮您报，每天09:00–17:00都有人。"] * 5,
    url="https://shiliu.example.gov.cn/a/k3m9x2p7q4ab",
    scene="culture_sport",
)
CASES = {"plain": PLAIN, "long": LONG}


@lru_cache
def png(name: str, size: Size) -> bytes:
    return poster_png(CASES[name], size)


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", ["a4", "chat"])
@pytest.mark.parametrize("share", [1, 0.5])
def test_the_code_is_read_at_full_and_half_size(name: str, size: Size, share: float) -> None:
    image = opened(png(name, size)).convert("RGB")
    image = image.resize((round(image.width * share), round(image.height * share)))
    assert [found.text for found in zxingcpp.read_barcodes(image)] == [CASES[name].url]


@pytest.mark.parametrize("name", CASES)
def test_a4_is_300_dpi_and_the_chat_picture_1080_wide_and_at_most_300_kb(name: str) -> None:
    paper, chat = opened(png(name, "a4")), opened(png(name, "chat"))
    assert paper.size == (2480, 3508)
    assert paper.info["dpi"][0] == pytest.approx(300, abs=1)
    assert chat.width == 1080
    assert len(png(name, "chat")) <= CHAT_BYTES_MOST


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", [A4, CHAT], ids=["a4", "chat"])
@pytest.mark.parametrize("density", [1.0, 0.6])
def test_no_text_leaves_the_page_and_none_is_lost(name: str, form: type, density: float) -> None:
    poster = CASES[name]
    sheet = body(poster, form, density)  # type: ignore[arg-type]
    for item in sheet.texts:
        width = sheet.measure(item.text, item.size, item.weight, spaced=item.spaced)
        assert item.x + width <= sheet.width - sheet.margin + 1, item.text
        assert item.baseline < sheet.y
    seen = "".join(item.text for item in sheet.texts).replace(" ", "")
    for text in (poster.title, poster.tagline, poster.venue, poster.venue_note, poster.host, *poster.notes_lines):
        assert text.replace(" ", "") in seen


@pytest.mark.parametrize("name", CASES)
def test_the_edge_of_the_paper_stays_free_of_ink(name: str) -> None:
    image = opened(png(name, "a4")).convert("L")
    for strip in ((0, 1500, 120, 3508), (2360, 1500, 2480, 3508), (0, 3440, 2480, 3508)):
        assert image.crop(strip).getextrema()[0] > 240, strip


@pytest.mark.parametrize("length", [1, 7, 8, 17, 31, 45, 60, 120])
def test_a_title_of_any_length_finds_its_lines(length: int) -> None:
    title = "石榴红市集与非遗体验课走进示例社区" * 8
    step, lines = title_setting(title[:length], A4, em_width)
    assert "".join(lines) == title[:length]
    assert all(em_width(line) * A4.titles[step][0] <= A4.inner for line in lines)
    assert length > 60 or len(lines) <= A4.titles[step][1]


def test_more_than_eight_lines_of_time_are_counted() -> None:
    assert LONG.shown_when[:3] == ["11月1日 周六", "09:00–11:30", "11月2日 周六 09:00–11:30"]
    assert LONG.shown_when[-1] == "另有6场，扫码看全部"
    assert len(LONG.shown_when) == 8
    assert PLAIN.shown_when == PLAIN.when_lines
    assert PosterInput(title="一", url="x").shown_when == []


def test_what_the_font_lacks_is_told_and_the_rest_is_drawn() -> None:
    poster = replace(PLAIN, title="石榴红བོད་ཡིག", venue="示例𪜎村")
    (warning,) = poster_warnings(poster)
    assert "“བོད་ཡིག”" in warning
    assert "“𪜎”" in warning
    assert poster_warnings(PLAIN) == []
    assert poster_png(poster, "chat").startswith(b"\x89PNG")


def test_a_poster_with_a_title_only_is_a_poster() -> None:
    data = poster_png(PosterInput(title="一", url="https://shiliu.example/a/x", scene="unknown"), "chat")
    assert zxingcpp.read_barcodes(opened(data).convert("RGB"))[0].text == "https://shiliu.example/a/x"


def test_the_print_page_leaves_less_picture_to_longer_words() -> None:
    assert LONG.art_height < PLAIN.art_height
    assert LONG.is_dense
    assert not PLAIN.is_dense
    assert len(LONG.art) > 20
