"""A school for tests in a browser: families with coins, with debts and in two branches, and a stall
of goods for them.

Вера has Аня (56 coins) and Миша, who is 4 coins below zero. Олег has Рита (58) and Гриша (20), who
learns in Omsk only. A lesson gives ten coins, in Omsk nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coinsync.core.catalog import Item, MoveKind, StockMove
from coinsync.core.facts import Link, LinkSource, Presence, Resident
from coinsync.core.ledger import BY_HAND, Entry, Kind
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Scope, Stock
from coinsync.core.rules import Reason, Rule
from tests.browser.vk_host import Host, Where
from tests.support.makers import entries_of, reading
from tests.support.webview_client import MISHA, OLEG, TODAY, Window, credit, record, school_in

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.browser import MiniApp

GRISHA = 44
OMSK = 2
RULE = Rule("group", 10, frozenset({2}), date(2026, 9, 1), branches=frozenset({1}))

#: Code, name in Russian and in English, category, price, branches, pieces; in the catalog's order.
GOODS: tuple[tuple[str, str, str, str, int, tuple[int, ...], int], ...] = (
    ("pen", "Ручка", "Pen", "Мелочи", 7, (), 5),
    ("sticker", "Наклейка", "Sticker", "Мелочи", 57, (), 5),
    ("mug", "Кружка", "Mug", "Посуда", 40, (), 5),
    ("plate", "Тарелка", "Plate", "Посуда", 60, (), 0),
    ("cap", "Кепка", "Cap", "Одежда", 58, (), 5),
    ("scarf", "Шарф", "Scarf", "Одежда", 86, (), 5),
    ("robot", "Робот", "Robot", "Большое", 556, (), 5),
    ("flag", "Флаг Омска", "Flag", "Большое", 30, (OMSK,), 5),
)
#: Names that are hard on sentences, at 100 coins and more; nobody counts these goods.
ODD = {
    "braces": "{coins} <b>{name}</b> $& $1",
    "arabic": "\N{ARABIC LETTER ALEF}\N{ARABIC LETTER BEH}1",
    "long": "Набор маркеров для скетчинга и росписи по ткани",
    "endless": "Очень длинное имя " + "ёж🦔" * 30,
}


def open_stall(folder: Path, **settings: Any) -> Window:
    """The window onto the school; ``settings`` are further ones of the window's."""
    people: list[Change] = [
        Put(Resident(GRISHA, "Гриша Совин", Presence.CLIENT, (OMSK,))),
        Put(Link(OLEG, GRISHA, LinkSource.DESK)),
        Post(credit(f"desk:{GRISHA}", GRISHA, 20, "за помощь")),
        Post(
            Entry(
                "desk:spent", 1, MISHA, -9, Kind.DEBIT, TODAY, BY_HAND, "desk", note="за наклейки"
            )
        ),
    ]
    url = school_in(folder, *people)
    # What was reversed after it was spent is a debt.
    with reading(url) as reader:
        award = next(
            one
            for one in entries_of(reader)
            if one.entry.resident == MISHA and one.entry.kind is Kind.AWARD
        )
    taken = Entry(
        award.entry.key,
        2,
        MISHA,
        -award.entry.coins,
        Kind.REVERSAL,
        TODAY,
        Reason.ABSENT,
        "sync",
        reverses=award.n,
    )
    record(url, [Post(taken)], purpose=Purpose.REVIEW)
    items = [
        Item(
            code,
            name,
            name_en,
            category,
            "",
            "",
            "",
            price,
            branches,
            "",
            place,
            shown=True,
            tracked=True,
        )
        for place, (code, name, name_en, category, price, branches, _) in enumerate(GOODS)
    ]
    items += [
        Item(
            code,
            name,
            "",
            "Странное",
            "",
            "",
            "",
            100 + n,
            (),
            "",
            50 + n,
            shown=True,
            tracked=False,
        )
        for n, (code, name) in enumerate(ODD.items())
    ]
    moves = [
        Stock(StockMove(f"stock:{code}", code, pieces, MoveKind.RECEIVE, TODAY, "desk"))
        for code, *_, pieces in GOODS
        if pieces
    ]
    record(url, plan=Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), [*map(Put, items), *moves]))
    return Window(url, **{"rules": (RULE,), **settings})


class Slow(Host):
    """A host whose page has a clock that a test winds forward, so that nobody waits for a silence
    to end.
    """

    def receive(self, page: Page, where: Where, vk: int, launch: str, surroundings: Any) -> None:
        """Get ready, with the clock of the page in hand."""
        page.clock.install()
        super().receive(page, where, vk, launch, surroundings)


# --- what a visitor does and sees ---------------------------------------------------------------

_HEART = '[data-screen="{screen}"] [data-item="{code}"] .heart'
_PRESSED = """screen => [...document.querySelectorAll(
  `[data-screen="${screen}"] [data-item]:has(.heart[aria-pressed="true"])`)].map(card => card.dataset.item)"""  # noqa: E501
_CLICK = "codes => codes.forEach(code => document.querySelector(`#good-${code} .heart`).click())"
_SHOWN = """() => [...document.querySelectorAll("[data-screen=catalog] [data-item]")]
  .filter(card => card.checkVisibility()).map(card => card.dataset.item)"""


def again(app: MiniApp) -> None:
    """Open the app anew where it is; VK's page around it stays."""
    app.frame.goto(app.frame.url.partition("#")[0])


def tap(app: MiniApp, *codes: str) -> None:
    """Tap hearts in the catalog, all at once."""
    app.frame.evaluate(_CLICK, list(codes))


def hearts(app: MiniApp, screen: str = "catalog") -> list[str]:
    """Codes of the goods whose heart is pressed on a screen."""
    pressed: list[str] = app.frame.evaluate(_PRESSED, screen)
    return pressed


def shown(app: MiniApp) -> list[str]:
    """Codes of the goods that can be seen in the catalog, as it is filtered."""
    seen: list[str] = app.frame.evaluate(_SHOWN)
    return seen


def go(app: MiniApp, screen: str) -> None:
    """Choose a screen by its tab."""
    app.frame.locator(f'.tabs a[href="#/{screen}"]').click()


def heart(screen: str, code: str) -> str:
    """How a heart is found."""
    return _HEART.format(screen=screen, code=code)


def kept(app: MiniApp) -> str | None:
    """What VK keeps of the visitor's favourites."""
    return app.host.cloud.of(app.host.vk).get("fav1")


def until(
    app: MiniApp, holds: Callable[[], bool], what: str = "", *, seconds: float = 10.0
) -> None:
    """Wait until something holds."""
    left_ms = seconds * 1000
    while not holds():
        assert left_ms > 0, f"it never came to this: {what}"
        app.page.wait_for_timeout(20)
        left_ms -= 20
