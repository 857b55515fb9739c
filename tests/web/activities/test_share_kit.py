"""The share kit: every picture's code opens the activity's page."""

from __future__ import annotations

from io import BytesIO

import zxingcpp
from flask import Flask
from PIL import Image

from app.activities.models import Activity, ActivityState
from app.extensions import db
from app.kernel.database import transaction
from tests.web.activities.conftest import Visit


def read(picture: bytes, *, scale: float = 1) -> str:
    image = Image.open(BytesIO(picture)).convert("RGB")
    if scale != 1:
        image = image.resize((int(image.width * scale), int(image.height * scale)))
    found = zxingcpp.read_barcodes(image)
    return found[0].text if found else ""


def test_the_text_to_paste_says_what_when_where_and_how(visit: Visit, codes: dict[str, str]) -> None:
    page = visit("jingban").get(f"/activities/{codes['own']}/share").text
    for words in ("【石榴红市集】", "地点：示例小学礼堂", "主办：示例甲镇", f"/a/{codes['own']}", "不用注册"):
        assert words in page


def test_every_picture_holds_the_address_of_the_page(visit: Visit, codes: dict[str, str]) -> None:
    browser, path = visit("jingban"), f"/activities/{codes['own']}"
    for address in ("/qr.png", "/poster.png?size=chat", "/poster.png?size=a4"):
        answer = browser.get(path + address)
        assert answer.mimetype == "image/png"
        assert read(answer.data).endswith(f"/a/{codes['own']}")


def test_the_chat_picture_is_1080_wide_and_small(visit: Visit, codes: dict[str, str]) -> None:
    answer = visit("jingban").get(f"/activities/{codes['own']}/poster.png")
    assert len(answer.data) <= 300_000
    assert Image.open(BytesIO(answer.data)).width == 1080


def test_the_print_page_has_one_poster_and_its_code(visit: Visit, codes: dict[str, str]) -> None:
    page = visit("jingban").get(f"/activities/{codes['own']}/poster").text
    assert page.count('class="poster') == 1 + page.count('class="poster-')
    assert "石榴红市集" in page


def test_what_is_not_published_has_nothing_to_share(visit: Visit, codes: dict[str, str], app: Flask) -> None:
    browser = visit("jingban")
    assert browser.get(f"/activities/{codes['draft']}/share").status_code == 404
    with app.app_context(), transaction(db.session) as tx:
        tx.query(Activity).filter_by(code=codes["own"]).update({"state": ActivityState.CANCELLED.value})
    for address in ("share", "qr.png", "poster", "poster.png"):
        assert browser.get(f"/activities/{codes['own']}/{address}").status_code == 404


def test_the_preview_of_a_draft_says_that_it_is_one(visit: Visit, codes: dict[str, str], app: Flask) -> None:
    assert "还没有发布" in visit("jingban").get(f"/activities/{codes['draft']}/preview").text
    assert app.test_client().get(f"/a/{codes['draft']}").status_code == 404
