"""Chinese typesetting: where a line may break, and how a title falls into lines. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

OPENING = "“‘（《〈【「『〔[({"
NO_START = "”’）》〉】」』〕，。、；：？！…—·])},.;:!?%℃°～〜–-"
PIECE = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ.:/@_%+–-]*|\s+|.", re.S)
QUOTED = re.compile(r"[“《「][^”》」]{1,9}[”》」]")
# Words of titles that a break should not split; without a dictionary the rest breaks anywhere.
WORDS = re.findall(
    r"\S+",
    "石榴红 非遗 校园 剪纸 葫芦 皮影 体验 体验课 交流 交流会 活动 活动月 宣传 宣传月 文化 文艺 演出 市集 集市 社区 街道 学校 小学 中学 "
    "青少年 少年 青年 儿童 同学 老师 家庭 夏令营 冬令营 研学 参观 基地 教育 培训 专题 讲座 宣讲 宣讲会 学习 读书会 民族 团结 进步 共同体 "
    "中华 传统 体育 运动会 比赛 联谊 联谊会 结对 手拉手 志愿 志愿者 服务 实践 传承 传承人 技艺 手工 书法 国画 舞蹈 合唱 歌舞 民歌 "
    "红色 铸牢 意识 启动 启动仪式 仪式 群众 技艺 展示 集中 同心 开放日 嘉年华 文化节 艺术节 博物馆 图书馆 文化馆 广场 中心 幼儿园 大学 运动 "
    "迎新春 春节 元宵 端午 中秋 重阳 国庆 新年 秋日 春日 邻里 邻居 百家宴 主题 班会 走进 一起 我们 示例 系列 第一 第二 第三",
)
_LONGEST = max(map(len, WORDS))
SPLIT = 10.0  # dearer than any raggedness, by more than every welcome break together
Measure = Callable[[str], float]


def pieces(text: str) -> list[str]:
    """The smallest parts that stay whole: a hanzi with its punctuation, a Latin word, a number with its units."""
    found: list[str] = []
    for token in PIECE.findall(text):
        joins = found and not found[-1].isspace() and (token[0] in NO_START or found[-1][-1] in OPENING)
        if joins:
            found[-1] += token
        else:
            found.append(token)
    return found


def em_width(text: str) -> float:
    """About how wide a text is, in hanzi: good enough to choose a size, never to place."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.58 for c in text)


def wrapped(text: str, width: float, measure: Measure) -> list[str]:
    """Lines no wider than `width`, filled one after another. A piece wider than a line is split."""
    lines: list[str] = []
    line = ""
    for piece in pieces(text):
        if measure((line + piece).rstrip()) <= width:
            line += piece
            continue
        if line.strip():
            lines.append(line.strip())
        line = "" if piece.isspace() else piece
        while measure(line) > width and len(line) > 1:
            cut = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or measure(line[:n]) <= width)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.strip()] if line.strip() else lines


def balanced(text: str, width: float, most: int, measure: Measure, *, split: bool = True) -> list[str] | None:
    """The fewest lines (at most `most`) of even length; None where it does not fit, or only by splitting a word."""
    parts = pieces(text.strip())
    inside = _inside_words(parts)
    for count in range(1, most + 1):
        found = _best(parts, inside, count, width, measure)
        if found is not None and (split or found[0] < SPLIT / 2):
            return found[1]
    return None


def _inside_words(parts: Sequence[str]) -> set[int]:
    """Positions before which a break would split one of WORDS (the longest from the left) or a short quoted name."""
    whole: set[int] = set()
    starts = [0]
    for part in parts:
        starts.append(starts[-1] + len(part))
    text, at = "".join(parts), 0
    while at < len(text):
        size = next((n for n in range(_LONGEST, 1, -1) if text[at : at + n] in WORDS), 1)
        whole.update(range(at + 1, at + size))
        at += size
    for name in QUOTED.finditer(text):
        whole.update(range(name.start() + 1, name.end()))
    return {index for index, start in enumerate(starts[:-1]) if start in whole}


def _best(
    parts: Sequence[str], inside: set[int], count: int, width: float, measure: Measure
) -> tuple[float, list[str]] | None:
    """Least raggedness over every way to cut into `count` lines."""
    goal = measure("".join(parts)) / count
    costs: dict[tuple[int, int], tuple[float, list[str]]] = {(0, 0): (0.0, [])}
    for row in range(1, count + 1):
        for end in range(row, len(parts) + 1):
            best: tuple[float, list[str]] | None = None
            for start in range(end - 1, row - 2, -1):
                line = "".join(parts[start:end]).strip()
                size = measure(line)
                if size > width:
                    break
                before = costs.get((row - 1, start))
                if before is None or not line:
                    continue
                cost = before[0] + ((size - goal) / width) ** 2 + _break_cost(parts, inside, end)
                if best is None or cost < best[0]:
                    best = (cost, [*before[1], line])
            if best is not None:
                costs[row, end] = best
    return costs.get((count, len(parts)))


def _break_cost(parts: Sequence[str], inside: set[int], end: int) -> float:
    """Splitting a word costs most; after punctuation or a space a break is welcome."""
    if end == len(parts):
        return 0.0
    if end in inside:
        return SPLIT
    last = parts[end - 1]
    if last.isspace() or last[-1] in "，。、；：？！…—”》）·":
        return -0.06
    return -0.02 if end + 1 < len(parts) and "".join(parts[end : end + 2]) in WORDS else 0.03
