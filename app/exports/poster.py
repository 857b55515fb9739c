"""The poster of an activity as a picture: A4 for the wall, a tall one for chats. Data in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from io import BytesIO
from typing import Literal

from PIL import Image

from app.exports import qr
from app.exports.art import scene_shapes
from app.exports.fonts import BLACK, BOLD, REGULAR, SEMIBOLD, Checked, checked
from app.exports.layout import Sheet
from app.exports.pieces import CREAM, FRUIT, INK, RED, SEED, SHEET
from app.exports.setting import Measure, balanced, em_width
from app.exports.shapes import Shape, drawn, placed

Size = Literal["a4", "chat"]
CHAT_BYTES_MOST = 300_000  # issue 3, section 5
SESSIONS_SHOWN = 8
_DAY_AND_TIME = re.compile(r"^(.*周[一二三四五六日])\s+(\d\d:\d\d.*)$")
FAINT, HAIR = "#625750", "#d8cdbd"


@dataclass(frozen=True, slots=True)
class PosterInput:
    """Everything a poster says, as plain text. `scene` is a kind's key; `serial` (a code) scatters the seeds."""

    title: str
    url: str
    when_lines: Sequence[str] = ()  # first the day, large; then its times or further sessions
    venue: str = ""
    venue_note: str = ""
    tagline: str = ""
    host: str = ""
    co_hosts: Sequence[str] = ()
    call_line: str = "微信扫码报名"
    notes_lines: Sequence[str] = ()
    scene: str = "exchange"
    serial: str = ""

    @property
    def title_lines(self) -> list[str]:
        """The title in lines for the print page, by estimated widths."""
        return _estimated(self.title)[1]

    @property
    def title_step(self) -> int:
        """1 (largest) to 5: which size of title the print page takes."""
        return 1 + _estimated(self.title)[0]

    @property
    def shown_when(self) -> list[str]:
        """The first day alone, then at most seven lines; the rest is counted and left to the page behind the code."""
        lines = [line.strip() for line in self.when_lines if line.strip()]
        lines[:1] = _DAY_AND_TIME.sub(r"\1\n\2", lines[0]).split("\n") if lines else []
        if len(lines) <= SESSIONS_SHOWN:
            return lines
        return [*lines[: SESSIONS_SHOWN - 1], f"另有{len(lines) - SESSIONS_SHOWN + 1}场，扫码看全部"]

    @property
    def is_dense(self) -> bool:
        """Whether the print page needs smaller type to stay one page."""
        return self._words_height() > 340

    @property
    def art_height(self) -> int:
        """Units (794 a page) left to the picture on the print page."""
        words = self._words_height() * (0.84 if self.is_dense else 1)
        return round(min(500, max(220, 384 + 190 - words)))

    def _words_height(self) -> float:
        """About how high the title is, and what stands beyond the usual two lines of time and five of notes."""
        step, lines = _estimated(self.title)
        venue = 43 * (em_width(self.venue) // 10) + 25 * (em_width(self.venue_note) // 18 + 1)
        extra = max(0.0, len(self.shown_when) * 25 - 25, venue) - 25
        extra += max(0, len(self.notes_lines) - 5) * 26 + 43 * (em_width(self.tagline) // 21)
        return len(lines) * A4.titles[step][0] * 1.15 + extra

    @property
    def art(self) -> list[Shape]:
        """The picture of the print page, 794 × `art_height`."""
        return scene_shapes(self.scene, 794, self.art_height, self.serial)


@dataclass(frozen=True, slots=True)
class Format:
    """A page in units: 794 or 500 across. Titles: (size, most lines), largest first."""

    pixels: int
    width: float
    margin: float
    titles: tuple[tuple[int, int], ...]
    text: float
    large: tuple[int, ...]
    plate: float
    height: float = 0  # 0: as long as the text
    columns: bool = True

    @property
    def inner(self) -> float:
        return self.width - 2 * self.margin


A4 = Format(2480, 794, 56, ((84, 2), (68, 3), (54, 3), (44, 4), (36, 5)), 18, (32, 27, 23), 208, 1123)
CHAT = Format(1080, 500, 34, ((58, 2), (48, 3), (40, 4), (33, 5), (28, 6)), 17.5, (27, 24, 21), 176, 0, columns=False)


def poster_png(poster: PosterInput, size: Size = "a4") -> bytes:
    """A4 at 300 dpi (2480 × 3508), or 1080 wide and at most 300 KB for chats. Raises FontMissing."""
    poster, _ = _drawable(poster)
    page = _a4(poster) if size == "a4" else _chat(poster)
    for colours in (255, 96, 32):
        buffer = BytesIO()
        flat = page.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        flat.save(buffer, "PNG", optimize=size == "chat", dpi=(300, 300) if size == "a4" else (144, 144))
        if size == "a4" or buffer.tell() <= CHAT_BYTES_MOST:
            break
    return buffer.getvalue()


def poster_warnings(poster: PosterInput) -> list[str]:
    """What the font cannot draw, in a sentence for the organiser; empty when all is well."""
    _, missing = _drawable(poster)
    if not missing:
        return []
    words = "、".join(f"“{word}”" for word in missing[:5]) + ("等" if len(missing) > 5 else "")
    return [f"海报字库里没有{words}，图片上画成了〓。其余文字不受影响；请换一种写法，或用打印页打印。"]


def title_setting(title: str, form: Format, measure: Measure) -> tuple[int, list[str]]:
    """(index of the size, lines). First the largest that splits no word, then the largest that fits at all.

    `measure` gives widths in hanzi.
    """
    for split in (False, True):
        for step, (size, most) in enumerate(form.titles):
            lines = balanced(title, form.inner / size * 0.985, most, measure, split=split)
            if lines is not None:
                return step, lines
    step = len(form.titles) - 1
    lines = balanced(title, form.inner / form.titles[step][0] * 0.985, 40, measure)
    return step, lines or [title]


@lru_cache(maxsize=256)
def _estimated(title: str) -> tuple[int, list[str]]:
    """The print page's setting: its fonts are the reader's, so widths are estimates."""
    return title_setting(title, A4, em_width)


def _drawable(poster: PosterInput) -> tuple[PosterInput, list[str]]:
    missing: list[str] = []

    def read(text: str) -> str:
        found: Checked = checked(text)
        missing.extend(found.missing)
        return found.text

    changes: dict[str, object] = {}
    for field in fields(poster):
        value = getattr(poster, field.name)
        if field.name in ("url", "scene", "serial"):
            continue
        if isinstance(value, str):
            changes[field.name] = read(value)
        else:
            changes[field.name] = [text for text in map(read, value) if text]
    return replace(poster, **changes), list(dict.fromkeys(missing))  # type: ignore[arg-type]


def _a4(poster: PosterInput) -> Image.Image:
    """The page's height is given: a long text takes from the picture, then from its own size."""
    for density in (1.0, 0.92, 0.84, 0.76, 0.68, 0.6, 0.5, 0.4):
        sheet = _body(poster, A4, density)
        art = A4.height - sheet.y
        if art >= 250:
            break
    art = min(art, 452)
    return _page(poster, A4, sheet, art, A4.height)


def _chat(poster: PosterInput) -> Image.Image:
    sheet = _body(poster, CHAT, 1.0)
    return _page(poster, CHAT, sheet, 242, 242 + sheet.y)


def _page(poster: PosterInput, form: Format, sheet: Sheet, art: float, height: float) -> Image.Image:
    scale = form.pixels / form.width
    bottom = 3508 if form.height else round(height * scale)
    page = Image.new("RGB", (form.pixels, bottom), SHEET)
    top = round(art * scale)
    shapes = scene_shapes(poster.scene, form.width, top / scale, poster.serial)
    page.paste(drawn(shapes, form.pixels, top, scale=scale), (0, 0))
    # What a short text leaves over stands half above and half below it.
    free = height - art - sheet.y
    sheet.paint(page, scale, top=art + free / 2)
    return page


def _body(poster: PosterInput, form: Format, density: float) -> Sheet:
    sheet = Sheet(form.width, form.margin, density)
    sheet.space(30 if form.columns else 24)
    step, lines = title_setting(poster.title, form, lambda text: sheet.measure(text, 1, BLACK, spaced=True))
    sheet.text(lines, form.titles[step][0], BLACK, INK, leading=1.17, spaced=True)
    if poster.tagline:
        sheet.space(10)
        size, tag = sheet.fitted(poster.tagline, form.inner, (form.large[0], *form.large[1:], 20), 2, REGULAR)
        sheet.text(tag, size, REGULAR, INK, leading=1.4, spaced=True)
    sheet.space(18)
    sheet.rule(3, INK)
    sheet.space(14)
    _facts(sheet, poster, form)
    sheet.space(24)
    _code(sheet, poster, form)
    sheet.space(22)
    sheet.rule(1, HAIR)
    sheet.space(14)
    _hosts(sheet, poster, form)
    sheet.space(30 if form.columns else 26)
    return sheet


def _facts(sheet: Sheet, poster: PosterInput, form: Format) -> None:
    """时间 and 地点: side by side on A4, one below the other in a chat."""
    when = poster.shown_when
    width = (form.inner - 32) / 2 if form.columns else form.inner
    start, deepest = sheet.y, sheet.y
    facts = (
        ("时间", when[0] if when else "", when[1:], False),
        ("地点", poster.venue, [poster.venue_note] if poster.venue_note else [], True),
    )
    for index, (label, head, rest, spaced) in enumerate(facts):
        if not head:
            continue
        x = form.margin + (index * (width + 32) if form.columns else 0)
        if form.columns:
            sheet.y = start
        elif index:
            sheet.space(12)
        sheet.text([label], form.text * 0.9, REGULAR, FAINT, leading=1.4, x=x)
        size, lines = sheet.fitted(head, width, form.large, 2, SEMIBOLD)
        sheet.text(lines, size, SEMIBOLD, INK, leading=1.32, x=x, spaced=spaced)
        for line in rest:
            sheet.text(sheet.lines(line, width, form.text, REGULAR), form.text, REGULAR, INK, leading=1.45, x=x)
        deepest = max(deepest, sheet.y)
    sheet.y = max(deepest, sheet.y)


def _code(sheet: Sheet, poster: PosterInput, form: Format) -> None:
    """The code on its plate, and beside it what to do."""
    start = sheet.y
    sheet.plate(qr.matrix(poster.url, "Q"), form.margin, start, form.plate)
    x = form.margin + sheet.sized(form.plate) + (32 if form.columns else 20)
    width = form.width - form.margin - x
    side = Sheet(form.width, form.margin, sheet.density)
    size, lines = side.fitted(poster.call_line, width, form.large, 3, BOLD)
    side.text(lines, size, BOLD, INK, leading=1.3, x=x)
    side.space(6)
    for note in poster.notes_lines:
        wrapped = side.lines(note, width, form.text, REGULAR)
        side.text(wrapped, form.text, REGULAR, INK, leading=1.5, x=x, spaced=True)
    plate = sheet.sized(form.plate)
    sheet.add(side, start + max(0.0, (plate - side.y) / 2))
    sheet.y = start + max(plate, side.y)


def _hosts(sheet: Sheet, poster: PosterInput, form: Format) -> None:
    """主办 and 协办, and the mark at the right."""
    start = sheet.y
    size, width = form.text * 0.95, form.inner - 60
    label = sheet.measure("主办　", size, REGULAR)
    for word, names in (("主办", poster.host), ("协办", "、".join(poster.co_hosts))):
        if names:
            at = sheet.y
            sheet.text([word], size, REGULAR, FAINT, leading=1.5)
            sheet.y = at
            lines = sheet.lines(names, width - label, size, REGULAR)
            sheet.text(lines, size, REGULAR, INK, leading=1.5, x=form.margin + label)
    sheet.y = max(sheet.y, start + sheet.sized(30))
    mark = [Shape(RED, FRUIT)]
    for x, y, turn in ((16, 14, 0), (11, 22.6, 18), (21, 22.6, -18)):
        mark += placed([Shape(CREAM, SEED)], x=x, y=y, scale=0.86, turn=turn)
    side = sheet.sized(30)
    sheet.shapes(placed(mark, x=form.width - form.margin - side, y=start, scale=side / 32))
