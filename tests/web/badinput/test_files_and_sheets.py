"""Hostile files at the evidence page are refused in words and leave nothing; a formula in a title stays text in the ledger."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app.demo.scenes import scene_jpeg
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.planning.conftest import find_cast, make_fact

JPEG = scene_jpeg("heritage_visit", seed=1, taken_at=now(), size=(320, 240))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    return buffer.getvalue()


FILES: dict[str, tuple[bytes, str]] = {
    "svg as jpg": (SVG, "不是照片"),
    "html": (b"<!doctype html><script>alert(1)</script>", "不是照片"),
    "zip": (b"PK\x03\x04" + b"\x00" * 500, "不是照片"),
    "cut off in the head": (JPEG[:40], "打不开"),
    "bomb": (bomb(), "像素太多"),
    "nothing": (b"", "空的"),
    "heic": (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 200, "HEIC"),
    "sixteen megabytes": (JPEG + b"\x00" * (16 * 1024 * 1024), "超过15MB"),
    "noise": (b"\xff\xd8\xff" + bytes(range(256)) * 40, "打不开"),
}


@pytest.fixture
def ended(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> str:
    """The evidence page of an activity that is over, open to the signed-in organizer."""
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx, host=make_cast(tx).town, starts_at=now() - timedelta(hours=3)).code
    sign_in(client, "jingban")
    return f"/activities/{code}/evidence"


def kept(app: Flask) -> tuple[int, int]:
    """Rows, and files under the storage."""
    root = Path(app.extensions["settings"].storage_root)
    with app.app_context():
        rows = db.session.scalar(select(func.count()).select_from(EvidenceItem)) or 0
    return rows, sum(1 for path in root.rglob("*") if path.is_file())


def send(client: FlaskClient, page: str, *files: tuple[bytes, str]) -> tuple[int, str]:
    photos = [(io.BytesIO(data), name) for data, name in files]
    answer = client.post(f"{page}/photos/photos", data={"photos": photos}, content_type="multipart/form-data")
    return answer.status_code, answer.text


@pytest.mark.parametrize("what", FILES)
def test_a_hostile_file_is_refused_in_words_and_leaves_nothing(
    app: Flask, client: FlaskClient, ended: str, what: str
) -> None:
    before = kept(app)
    status, page = send(client, ended, (FILES[what][0], "现场.jpg"))
    assert (status, FILES[what][1] in page, "没有收下" in page) == (422, True, True)
    assert kept(app) == before


def test_a_picture_with_a_page_behind_it_is_stored_without_the_page(
    app: Flask, client: FlaskClient, ended: str
) -> None:
    before = kept(app)
    assert send(client, ended, (JPEG + SVG * 20, "<b>=1+1\x00.jpg"))[0] == 303
    assert kept(app)[0] == before[0] + 1
    root = Path(app.extensions["settings"].storage_root)
    assert not any(b"<script" in path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_among_good_pictures_a_bad_one_and_the_tenth_are_named(app: Flask, client: FlaskClient, ended: str) -> None:
    bad = [(SVG, f"坏{n}.jpg") for n in range(8)]
    status, _page = send(client, ended, (JPEG, "好.jpg"), *bad, (JPEG, "第十.jpg"))
    assert status == 303
    told = client.get(ended).text
    assert all(words in told for words in ("收下1张照片", "坏7.jpg", "后面的1张没有收下"))
    assert send(client, ended, (JPEG, "好.jpg"))[0] == 422  # the same one again


def test_no_file_and_no_answer_are_said_where_they_miss(client: FlaskClient, ended: str) -> None:
    answer = client.post(f"{ended}/photos/photos", data={})
    assert (answer.status_code, "没有选照片" in answer.text) == (422, True)
    answer = client.post(f"{ended}/settle", data={"minors": "perhaps"})
    assert (answer.status_code, "两个问题都要选" in answer.text) == (422, True)


def test_a_formula_in_a_title_stays_text_in_the_ledger(
    district: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    with district.app_context(), transaction(db.session) as tx:
        make_fact(tx, find_cast(tx), day=now().date())
        make_activity(tx, title="unused")
        tx.execute(db.text("UPDATE activity SET title = '=HYPERLINK(1)𠮷' WHERE title LIKE '剪纸进课堂%'"))
    sign_in(client, "lingdao")
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.post("/metrics/ledger").data))
    cells = [cell for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row]
    assert "=HYPERLINK(1)𠮷" in cells  # a formula would be read as its result
