"""The figure of media links counts reports, from the links slot and from the lines of the form alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.evidence.models import EvidenceItem
from app.extensions import db
from app.kernel.database import transaction
from app.review.models import FactMark
from tests.cast import Cast, make_cast
from tests.factories import NOW, make_activity
from tests.plan import make_plan
from tests.services.metrics.facts import approve


@pytest.fixture
def cast(app: Flask) -> Iterator[Cast]:
    with app.app_context():
        with transaction(db.session) as tx:
            made = make_cast(tx)
            make_plan(tx, now=NOW)
        yield made


def test_one_report_counts_once_and_no_report_not_at_all(cast: Cast) -> None:
    with transaction(db.session) as tx:
        lines = ["暂无", "http://news.example.cn/1/", "news.example.cn/2"]
        activity = make_activity(tx, host=cast.town, kind="publicity", starts_at=NOW, details={"media_links": lines})
        tx.add(EvidenceItem(activity_id=activity.id, slot="media", kind="link", link="https://news.example.cn/1", uploaded_at=NOW))  # fmt: skip
        tx.flush()
        approve(tx, activity, task=4)
    links = db.session.scalars(select(FactMark.value).where(FactMark.mark == "media_link").order_by(FactMark.value))
    assert list(links) == ["news.example.cn/1", "news.example.cn/2"]
