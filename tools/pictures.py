"""Takes the README's pictures from a freshly seeded demo, into docs/pictures/: `make pictures`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser import open_chromium
from tools.scratch import demo

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"
PHONE = (390, 844)
DESK = (1280, 860)


@dataclass(frozen=True)
class Picture:
    """One picture: file name, who looks (the name on a role card, or nobody), where, how wide."""

    name: str
    role: str
    address: str | Callable[[Page], None]
    size: tuple[int, int]


def go_to_the_lesson(page: Page) -> None:
    """The public page of the activity that signs in now."""
    page.goto("/")
    page.locator("a[href*='/a/']").first.click()


PICTURES = (
    Picture("home", "", "/", DESK),
    Picture("activity-phone", "", go_to_the_lesson, PHONE),
    Picture("workbench", "经办人", "/", DESK),
    Picture("review", "审核人", "/review", DESK),
    Picture("dashboard", "领导", "/metrics", DESK),
    Picture("plan", "领导", "/plan", DESK),
)


def take(browser: Browser, base: str, picture: Picture) -> None:
    """Open the page as the role and save it, with few colours so that the repository stays small."""
    context = browser.new_context(
        viewport={"width": picture.size[0], "height": picture.size[1]}, base_url=base, locale="zh-CN",
        device_scale_factor=2 if picture.size is PHONE else 1,
    )  # fmt: skip
    page = context.new_page()
    page.goto("/")
    if picture.role:
        page.get_by_role("button", name=picture.role).first.click()
        page.wait_for_load_state()
    if isinstance(picture.address, str):
        answer = page.goto(picture.address)
        if answer is None or not answer.ok:
            raise RuntimeError(f"{picture.name}: {picture.address} did not open")
    else:
        picture.address(page)
    page.wait_for_load_state("networkidle")
    shot = Image.open(io.BytesIO(page.screenshot()))
    context.close()
    TARGET.mkdir(parents=True, exist_ok=True)
    few = shot.convert("RGB").quantize(192, dither=Image.Dither.NONE)
    few.save(TARGET / f"{picture.name}.png", optimize=True)


def main() -> int:
    """All pictures, or those named on the command line."""
    wanted = sys.argv[1:] or [picture.name for picture in PICTURES]
    with demo() as base, open_chromium() as browser:
        for picture in PICTURES:
            if picture.name in wanted:
                take(browser, base, picture)
                print(f"docs/pictures/{picture.name}.png", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
