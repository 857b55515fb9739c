"""Rows of units and people: what is wrong in which cell, whatever their order."""

from __future__ import annotations

import time

import pytest

from app.kernel.actor import Role
from app.organisation.rules import (
    LEVELS_MOST,
    Judged,
    Known,
    KnownPerson,
    KnownUnit,
    Row,
    Sort,
    kind_of,
    login_problem,
    name_problem,
    plan_rows,
    roles_of,
)
from app.sheets.rows import Standing

KNOWN = Known(
    district="示例区",
    units={
        "示例区": KnownUnit("district", "", 1),
        "示例甲镇": KnownUnit("town", "示例区", 2),
        "示例旧校": KnownUnit("school", "示例甲镇", 3, retired=True),
    },
    people={"laoren": KnownPerson("示例老人", "示例甲镇", frozenset({("organizer", "示例甲镇")}))},
)


def unit(name: str, kind: str = "镇", parent: str = "", number: int = 2) -> Row:
    return Row(Sort.UNIT, "单位", number, {"name": name, "kind": kind, "parent": parent})


def person(login: str, name: str = "示例人", at_unit: str = "示例甲镇", roles: str = "经办人", at: str = "") -> Row:
    return Row(Sort.PERSON, "人员", 2, {"login": login, "name": name, "unit": at_unit, "roles": roles, "at": at})


def one(row: Row) -> Judged:
    (judged,) = plan_rows([row], KNOWN)
    return judged


@pytest.mark.parametrize(
    ("row", "cell", "words"),
    [
        (unit(""), "name", "没有填"),
        (unit("长" * 61), "name", "最多60个字，现在61个"),
        (unit("=HYPERLINK(1)"), "name", "像公式"),
        (unit("示例乙镇", ""), "kind", "没有填"),
        (unit("示例乙镇", "公司部"), "kind", "没有“公司部”这种类型"),
        (unit("示例乙镇", "区"), "kind", "没有“区”"),
        (unit("示例乙校", "学校", "没有的镇"), "parent", "没有“没有的镇”这个单位"),
        (unit("示例乙校", "学校", "示例旧校"), "parent", "已停用"),
        (unit("示例旧校", "学校", "示例甲镇"), "name", "已停用"),
        (unit("示例甲镇", "学校"), "kind", "类型不一样"),
        (unit("示例甲镇", "镇", "示例甲镇"), "parent", "上级是“示例区”"),
        (unit("自己", "村", "自己"), "parent", "绕成了圈"),
        (person(""), "login", "没有填"),
        (person("a"), "login", "要2–40个字符"),
        (person("张三"), "login", "只用字母"),
        (person("a b"), "login", "只用字母"),
        (person("-ab"), "login", "只用字母"),
        (person("x" * 41), "login", "现在41个"),
        (person("37012319900101123x"), "login", "身份证号"),
        (person("laoren", "别人"), "login", "已有人用"),
        (person("laoren", "示例老人", roles="领导"), "roles", "已有这个账号"),
        (person("xin", ""), "name", "没有填"),
        (person("xin", "长" * 41), "name", "最多40个字"),
        (person("xin", at_unit=""), "unit", "没有填"),
        (person("xin", at_unit="没有的镇"), "unit", "没有“没有的镇”"),
        (person("xin", at_unit="示例旧校"), "unit", "已停用"),
        (person("xin", at="没有的镇"), "at", "没有“没有的镇”"),
        (person("xin", roles=""), "roles", "没有填"),
        (person("xin", roles="经办人、皇帝"), "roles", "没有“经办人、皇帝”这个角色"),
    ],
)
def test_each_mistake_is_named_in_its_own_cell(row: Row, cell: str, words: str) -> None:
    judged = one(row)
    assert judged.standing is Standing.BAD
    assert words in judged.problems[cell]


@pytest.mark.parametrize(
    "row",
    [
        unit("示例乙镇"),
        unit("𠮷田村", "村", "示例甲镇"),
        unit("示例乙镇", "镇(街道)", "示例区"),
        person("xin.ren_1-a"),
        person("ＡＢＣ１"),
        person("xin", roles="经办人、单位负责人", at="示例区"),
    ],
)
def test_a_sound_row_is_new(row: Row) -> None:
    assert (one(row).standing, one(row).problems) == (Standing.NEW, {})


@pytest.mark.parametrize("row", [unit("示例甲镇"), unit("示例甲镇", "街道", "示例区"), person("LaoRen", "示例老人")])
def test_what_is_there_already_is_no_mistake(row: Row) -> None:
    assert one(row).standing is Standing.THERE


def test_parents_may_stand_below_their_children_in_the_file() -> None:
    rows = [unit("丙校", "学校", "丙村"), unit("丙村", "村", "丙镇"), unit("丙镇"), person("xin", at_unit="丙校")]
    assert [each.standing for each in plan_rows(rows, KNOWN)] == [Standing.NEW] * 4
    assert [each.depth for each in plan_rows(rows, KNOWN)[:3]] == [4, 3, 2]


def test_who_stands_below_a_wrong_row_is_told_which() -> None:
    rows = [
        unit("丙校", "学校", "丙村", 2), unit("丙村", "村", "丙镇", 3), unit("丙镇", "不对", "", 4), person("xin", at_unit="丙校"),
    ]  # fmt: skip
    judged = plan_rows(rows, KNOWN)
    assert [each.standing for each in judged] == [Standing.BAD] * 4
    assert judged[0].problems["parent"] == "上级（第3行）还有问题。"
    assert judged[1].problems["parent"] == "上级（第4行）还有问题。"
    assert "第2行" in judged[3].problems["unit"]


def test_a_ring_of_parents_is_refused_and_so_is_a_tree_too_deep() -> None:
    ring = [unit("甲", "村", "乙"), unit("乙", "村", "丙"), unit("丙", "村", "甲")]
    assert all("绕成了圈" in each.problems["parent"] for each in plan_rows(ring, KNOWN))
    chain = [unit(f"{n}级", "村", f"{n - 1}级" if n > 2 else "") for n in range(2, LEVELS_MOST + 3)]
    standing = [each.standing for each in plan_rows(chain, KNOWN)]
    assert standing == [Standing.NEW] * (LEVELS_MOST - 1) + [Standing.BAD] * 2


def test_the_second_of_two_equal_rows_is_the_wrong_one() -> None:
    units = plan_rows([unit("丙镇", number=2), unit("丙镇", number=3)], KNOWN)
    assert [each.standing for each in units] == [Standing.NEW, Standing.BAD]
    assert units[1].problems["name"] == "与第2行重名。"
    people = plan_rows([person("xin"), person("XIN")], KNOWN)
    assert "与第2行重复" in people[1].problems["login"]


def test_a_row_set_aside_counts_for_nothing() -> None:
    rows = [unit("丙镇"), unit("丙校", "学校", "丙镇"), unit("丙镇", "村")]
    standing = [each.standing for each in plan_rows(rows, KNOWN, aside={0})]
    assert standing == [Standing.ASIDE, Standing.NEW, Standing.NEW]
    standing = [each.standing for each in plan_rows(rows, KNOWN, aside={0, 2})]
    assert standing == [Standing.ASIDE, Standing.BAD, Standing.ASIDE]


def test_5000_rows_that_all_hang_on_one_mistake_are_judged_at_once() -> None:
    rows = [unit(f"{n}", "村", f"{n + 1}") for n in range(5_000)]
    began = time.process_time()
    assert all(each.standing is Standing.BAD for each in plan_rows(rows, KNOWN))
    assert time.process_time() - began < 2


def test_words_of_kinds_and_roles() -> None:
    assert (kind_of("镇 (街道)"), kind_of("小学"), kind_of("区")) == ("town", "school", "")
    assert roles_of("经办人,领导；经办人") == [Role.ORGANIZER, Role.LEADER]
    assert roles_of("国王") is None
    assert login_problem("ab.c") == ""
    assert name_problem("阿卜杜拉·买买提", 40) == ""
