"""The registry of kinds: a file is a kind; no kind asks what must not be asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.activities import kinds
from app.activities.kinds import KINDS

ORDER = ["exchange", "publicity", "heritage_visit", "youth_exchange", "culture_sport", "training", "base_visit"]
FORBIDDEN = ("民族", "宗教", "信仰", "身份证", "籍贯", "出生", "ethnic", "religion", "id_number", "nation")
EIGHTH = '''
"""试."""
from app.activities.kinds.shape import DetailField, Kind, PHOTOS

KIND = Kind(
    key="eighth", position=8, label="第八种", blurb="试", icon="k-base", default_task=1, related_tasks=(),
    details=(DetailField("what", "什么"),), slots=(PHOTOS,),
)
'''


@pytest.fixture
def eighth(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "eighth.py").write_text(EIGHTH, encoding="utf-8")
    kinds.__path__.append(str(tmp_path))
    yield
    kinds.__path__.remove(str(tmp_path))
    sys.modules.pop("app.activities.kinds.eighth", None)


def test_the_seven_kinds_stand_in_their_order() -> None:
    assert list(KINDS) == ORDER


def test_to_add_a_kind_is_to_add_a_file(eighth: None) -> None:
    assert list(kinds._discover()) == [*ORDER, "eighth"]


def test_without_the_file_there_is_no_such_kind() -> None:
    assert "eighth" not in kinds._discover()


@pytest.mark.parametrize("key", ORDER)
def test_no_kind_asks_for_a_persons_people_belief_or_number(key: str) -> None:
    kind = KINDS[key]
    words = "".join(f"{d.key}{d.label}{d.hint}{''.join(d.choices)}" for d in kind.details)
    assert not [word for word in FORBIDDEN if word in words]


@pytest.mark.parametrize("key", ORDER)
def test_every_kind_names_its_task_and_requires_at_most_two_photos(key: str) -> None:
    kind = KINDS[key]
    assert 1 <= kind.default_task <= 14
    assert kind.default_task not in kind.related_tasks
    assert sum(slot.at_least for slot in kind.slots if slot.required) <= 2
    assert all(slot.at_least <= slot.at_most for slot in kind.slots)


def test_a_training_is_a_count_and_nobody_checks_in() -> None:
    training = KINDS["training"]
    assert training.count_only
    assert not (training.individual or training.party or training.walk_in)


def test_where_pupils_are_photos_show_minors_and_stay_private() -> None:
    for key in ("heritage_visit", "youth_exchange"):
        assert KINDS[key].minors
        assert not KINDS[key].publish


def test_details_of_another_kind_and_invented_keys_are_dropped() -> None:
    kept, problems = KINDS["heritage_visit"].clean_details(
        {"bearer": "  王　老师 ", "form": "上课", "民族": "某", "channel": "公交线路"}
    )
    assert kept == {"bearer": "王 老师", "form": "上课"}
    assert problems == []


@pytest.mark.parametrize(
    ("key", "raw", "field"),
    [
        ("heritage_visit", {"form": "直播"}, "detail_form"),
        ("heritage_visit", {"bearer": "王" * 21}, "detail_bearer"),
        ("publicity", {"materials": "很多"}, "detail_materials"),
        ("publicity", {"materials": "100001"}, "detail_materials"),
        ("publicity", {"media_links": "\n".join(["一"] * 31)}, "detail_media_links"),
        ("exchange", {"places": "村" * 301}, "detail_places"),
    ],
)
def test_a_wrong_detail_is_named_beside_its_field(key: str, raw: dict[str, str], field: str) -> None:
    _kept, problems = KINDS[key].clean_details(raw)
    assert [problem.field for problem in problems] == [field]


def test_the_ledger_line_reads_what_the_kind_is_about() -> None:
    lesson = SimpleNamespace(details={"form": "上课", "grades": "三、四年级"}, classes=3, pairs=0, reach=0)
    assert KINDS["heritage_visit"].reading(lesson) == "上课，三、四年级，3个班"
    bus = SimpleNamespace(details={"channel": "公交线路"}, classes=0, pairs=0, reach=2000)
    assert KINDS["publicity"].reading(bus) == "公交线路，估计覆盖2000人"
