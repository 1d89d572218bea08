"""Pictures of every screen, light and dark, in VK on telephones, a tablet and a desktop, upright
and lying, and with texts twice as large.

``python -m tests.browser.screenshots FOLDER`` takes them all; a second folder gets those that the
README shows, made small.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from coinsync.core.school import Contact
from tests.browser.browser import SHOTS, TELEPHONE_WIDTH_MAX, Chromium, MiniApp, Opener, Site
from tests.browser.showcase import ARTYOM, GUEST, LIZA, PARENT, SONYA, open_showcase
from tests.browser.vk_host import Cloud, Host, Where
from tests.support.webview_client import NOW, Window, launch
from webview.launch import AGE_SECONDS_DEFAULT

SIZES = ((320, 640), (390, 844), (844, 390), (768, 1024), (1280, 900))
#: Of these, one with texts at 200 % too.
LARGE = 320
SCREENS = ("", "history", "catalog", "favourites", "earn")
#: Pictures further down are fetched only when somebody comes near.
_SEEN_ARE_THERE = """() => [...document.images].every(
  one => one.complete || !one.checkVisibility() || one.getBoundingClientRect().top > innerHeight)"""
FAVOURITES = "backpack,stickers,board-game"
#: The eldest has two lines that she has not seen, and saves up for what she has coins for already.
REMEMBERED = f"child:{SONYA},seen.{SONYA}:61,seen.{ARTYOM}:99,wish.{ARTYOM}:board-game"
CONTACT = Contact(
    "Заказы выдаёт администратор на ресепшене.",
    "Ask the administrator at the reception desk.",
    "Магазин открыт по пятницам с 16 до 19.",
    "The shop is open on Fridays from 16 to 19.",
    "https://vk.me/rostok_school",
)
#: What the README shows, and how wide.
CHOSEN = {
    "cabinet-light-390": 780,
    "catalog-light-390": 780,
    "reversal-dark-390": 780,
    "cabinet-light-1280": 1600,
}
QUALITY = 80


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    # The database that is out is out on purpose.
    logging.getLogger("webview").setLevel(logging.ERROR)
    with TemporaryDirectory() as lent, _chromium() as chromium:
        window = open_showcase(Path(lent), contact=CONTACT)
        nothing = Window(f"sqlite:///{lent}/nothing.db")
        with Site(window.app).running() as site, Site(nothing.app).running() as out:
            for width, height in SIZES:
                for dark in (False, True):
                    opened = Opener(chromium, site, folder)
                    _shoot_screens(opened, width, height, dark=dark)
                    if width == LARGE:
                        _shoot_screens(opened, width, height, dark=dark, large=True)
                    _shoot_others(opened, out, width, height, dark=dark)
                    opened.close()


@contextmanager
def _chromium() -> Iterator[Chromium]:
    chromium = Chromium()
    with chromium.awake():
        try:
            yield chromium
        finally:
            chromium.close()


def _shoot_screens(
    opened: Opener, width: int, height: int, *, dark: bool, large: bool = False
) -> None:
    """Every screen of the family, and what each child adds to the first one."""
    cloud = Cloud()
    cloud.put(PARENT, "fav1", FAVOURITES)
    cloud.put(PARENT, "me1", REMEMBERED)
    app = opened(vk=PARENT, **_window(width, height, dark=dark), host=Host(cloud))
    app.frame.wait_for_function("() => document.querySelector('[data-favourites] [data-item]')")
    kind = _kind(width, dark=dark)
    if large:
        app.frame.evaluate("document.documentElement.style.fontSize = '200%'")
        kind += "-large"
    for child, name in ((ARTYOM, "reversal"), (LIZA, "new"), (SONYA, "cabinet")):
        app.frame.click(f'[data-switch="{child}"]')
        _shoot(app, f"{name}-{kind}")
    for screen in SCREENS[1:]:
        app.frame.click(f'.tabs [href="#/{screen}"]')
        _shoot(app, f"{screen}-{kind}")
    app.page.emulate_media(media="print")
    _shoot(app, f"print-{kind}")


def _shoot_others(opened: Opener, out: Site, width: int, height: int, *, dark: bool) -> None:
    """What is shown to strangers and where there is no cabinet to show."""
    kind = _kind(width, dark=dark)
    stale = launch(PARENT, at=NOW - timedelta(seconds=AGE_SECONDS_DEFAULT + 60))
    window = _window(width, height, dark=dark)
    _shoot(opened(vk=GUEST, **window), f"stranger-{kind}")
    for name, app in (
        ("refused", opened(query="", **window)),
        ("expired", opened(query=stale, **window)),
        ("trouble", opened(vk=PARENT, site=out, **window)),
    ):
        app.expect(r"status of (403|503)")
        _shoot(app, f"{name}-{kind}")


def _window(width: int, height: int, *, dark: bool) -> dict[str, Any]:
    """A telephone with VK's own app, or a desktop with VK's page around the frame."""
    where = Where.ANDROID if min(width, height) < TELEPHONE_WIDTH_MAX else Where.FRAME
    return {
        "width": width,
        "height": height,
        "dark": dark,
        "scale": 2,
        "still": True,
        "where": where,
    }


def _kind(width: int, *, dark: bool) -> str:
    return f"{'dark' if dark else 'light'}-{width}"


def _shoot(app: MiniApp, name: str) -> None:
    app.host.called("VKWebAppInit")
    app.frame.wait_for_function(_SEEN_ARE_THERE)
    # VK may be making the frame higher just now.
    app.page.wait_for_timeout(100)
    app.shoot(name)


def choose(folder: Path, target: Path) -> None:
    """Make the README's pictures out of those that were taken."""
    target.mkdir(parents=True, exist_ok=True)
    for name, width in CHOSEN.items():
        with Image.open(folder / f"{name}.png") as image:
            height = round(image.height * width / image.width)
            small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        small.save(target / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    shots, *targets = [Path(word) for word in sys.argv[1:]] or [Path(SHOTS)]
    main(shots)
    for one in targets:
        choose(shots, one)
