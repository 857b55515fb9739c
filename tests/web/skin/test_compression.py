"""Pages go over the wire compressed, with a length that tells nothing; what cannot be compressed is left alone."""

from __future__ import annotations

import gzip

from flask.testing import FlaskClient

from app.web.compress import PADDING_MOST, squeeze

ASKED = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_page_is_the_same_after_unpacking(client: FlaskClient) -> None:
    plain, packed = client.get("/accessibility"), client.get("/accessibility", headers=ASKED)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) * 0.7
    assert int(packed.headers["Content-Length"]) == len(packed.data)
    assert {"Accept-Encoding", "Cookie", "HX-Request"} <= set(packed.vary.as_set(preserve_casing=True))


def test_who_does_not_ask_gets_the_page_plain(client: FlaskClient) -> None:
    for asked in ({}, {"Accept-Encoding": "br"}, {"Accept-Encoding": "gzip;q=0"}):
        answer = client.get("/accessibility", headers=asked)
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_short_answers_and_files_stay_as_they_are(client: FlaskClient) -> None:
    for address in ("/healthz", "/static/css/shiliu.css"):
        answer = client.get(address, headers=ASKED)
        assert answer.status_code == 200
        assert len(answer.data) < 1000 or answer.headers.get("Content-Encoding") == "gzip"
    assert b"@media" in gzip.decompress(client.get("/static/css/shiliu.css", headers=ASKED).data)  # once, not twice


def test_the_length_of_one_page_differs_from_time_to_time() -> None:
    page = b"<p>the same</p>" * 200
    lengths = {len(squeeze(page)) for _ in range(200)}
    assert len(lengths) > PADDING_MOST / 2  # negative control: gzip.compress gives one
    assert len({len(gzip.compress(page, 5)) for _ in range(20)}) == 1
    assert gzip.decompress(squeeze(page)) == page
