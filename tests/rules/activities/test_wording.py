"""A question about a forbidden subject is refused however it is disguised; ordinary questions pass."""

from __future__ import annotations

import pytest

from app.activities.wording import refused_reason, subjects

REFUSED = [
    "您的民族", "民 族", "民·族", "民\u200b族", "民族（必填）", "请问您是哪个民族", "族别", "是否少数民族", "汉族还是回族", "维吾尔族",
    "ｍｉｎｚｕ", "min zu", "MIN-ZU", "m i n z u", "mínzú", "m1nzu", "您的 minzu 是", "Ethnicity", "your ethnic group", "Are you Hui?",
    "宗教信仰", "有无信教", "zongjiao", "Religion", "belief", "是否穆斯林", "身份证号码", "身 份 证", "身份證", "证件号", "ID card", "id-number",
    "passport no.", "shenfenzheng", "籍贯", "户口所在地", "老家在哪里", "家庭住址", "hukou", "birthplace", "政治面貌", "家庭收入", "低保户",
    "银行卡号", "残疾情况", "回民吗", "是否少民", "是不是党员", "汉语还是维语", "你家是什么成分", "您的母语", "hui min 吗", "是否入党",
]  # fmt: skip
WELCOME = [
    "想学哪种剪纸", "想体验民族舞蹈吗", "带不带孩子", "吃素还是吃荤", "需要清真餐吗", "座位需要靠前吗", "几点到", "会不会唱歌", "是否自带剪刀",
    "对中华民族的故事感兴趣吗", "报哪一场", "穿民族服装来吗", "需要无障碍通道吗", "孩子几年级", "What time will you come", "T恤尺码",
    "想吃老家味道的哪道菜", "share a song", "trace the line", "喜欢民族乐器中的哪一种", "handmade or not",
    "住过多少民宿", "去过几回民宿", "喜欢西藏民歌吗", "想逛回民街吗", "需要维语讲解吗", "对什么成分过敏", "愿意做党员志愿服务的搭档吗",
]  # fmt: skip


@pytest.mark.parametrize("wording", REFUSED)
def test_a_forbidden_subject_is_refused_with_a_reason(wording: str) -> None:
    reason = refused_reason(wording)
    assert reason.startswith("不能")
    assert reason.endswith("。")


@pytest.mark.parametrize("wording", WELCOME)
def test_an_ordinary_question_passes(wording: str) -> None:
    assert refused_reason(wording) == ""


def test_options_are_read_too() -> None:
    assert refused_reason("请选一项", "汉族", "其他")
    assert refused_reason("请选一项", "红色", "蓝色") == ""


def test_every_word_of_the_list_is_refused_and_every_exception_passes() -> None:
    for subject in subjects():
        assert all(refused_reason(word) for word in (*subject.words, *subject.latin))
        assert [phrase for phrase in subject.may if refused_reason(phrase)] == []
