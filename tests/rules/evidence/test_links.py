"""One media report counts once however its address was typed, and 暂无 is none."""

from __future__ import annotations

import pytest

from app.evidence.links import is_web_address, same_link


@pytest.mark.parametrize(
    "text",
    [
        "https://news.example.cn/a/1", "http://news.example.cn/a/1", "https://news.example.cn/a/1/",
        "https://www.news.example.cn/a/1", "HTTPS://News.Example.CN/a/1", "news.example.cn/a/1",
        " https://news.example.cn/a/1#pinglun ", "https://news.example.cn:443/a/1",
    ],
)  # fmt: skip
def test_one_page_is_one_link(text: str) -> None:
    assert same_link(text) == "news.example.cn/a/1"


@pytest.mark.parametrize(
    "text",
    ["", "暂无", "无", "已在群里发布", "http://[x", "ftp://example.cn/1", "http://", "见 example.cn", "正在联系…"],
)
def test_what_is_no_link_counts_nothing(text: str) -> None:
    assert same_link(text) == ""


def test_two_pages_stay_two() -> None:
    first, second = "https://example.cn/s?id=1", "https://example.cn/s?id=2"
    assert same_link(first) != same_link(second)
    assert same_link("https://example.cn/A") != same_link("https://example.cn/a")


def test_a_host_in_any_letters_is_an_address() -> None:
    assert is_web_address("https://示例.中国/1")
    assert not is_web_address("javascript:alert(1)")
