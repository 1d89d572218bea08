"""The form of every screen in a real browser: usable by everybody, nothing cut or moving, small,
and quiet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from coinsync.core.catalog import Item
from coinsync.core.colour import DARK, LIGHT
from coinsync.core.facts import Group, Lesson, Link, LinkSource, Presence, Resident, Status
from coinsync.core.ledger import BY_HAND, Entry, Kind, lesson_key
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Scope
from coinsync.core.rules import Reason
from coinsync.core.school import Way
from coinsync.store.database import open_readable, reading
from coinsync.store.reader import Reader
from tests.browser.showcase import GUEST, LIZA, PARENT, SONYA, open_showcase
from tests.browser.vk_host import Cloud, Host, Where, late, never
from tests.support.makers import entries_of, new_database
from tests.support.webview_client import (
    MISHA,
    NOW,
    OLEG,
    TODAY,
    VERA,
    Window,
    award,
    credit,
    launch,
    record,
    school_in,
)
from tests.webview.test_budget import a_shop, a_window
from webview.launch import AGE_SECONDS_DEFAULT
from webview.texts import RUSSIAN

if TYPE_CHECKING:
    from tests.browser.browser import MiniApp, Opener, Site

pytest_plugins = ("tests.browser.browser",)

SCREENS = ("", "history", "catalog", "favourites", "earn")
FAVOURITES = "robot-kit,stickers,board-game"
TARGET_MIN = 44
#: The contrast that a ring of focus has at least to what it stands on, to 1.
RING_MIN = 3
CORNER = (90, 56)
INSET = 40

Serve = Callable[[WSGIApplication], "Site"]


@pytest.fixture(scope="module")
def showcase(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """The school that is looked at."""
    return open_showcase(tmp_path_factory.mktemp("showcase"))


@pytest.fixture
def opened(mini_app: Opener, serve: Serve, showcase: Window) -> Iterator[Opener]:
    """A function that opens the school that is looked at."""
    mini_app.site = serve(showcase.app)
    yield mini_app
    # Before its site is: pictures may still be on their way.
    mini_app.close()


def fond(kind: type[Host] = Host) -> Host:
    """VK that keeps favourites of the parent's."""
    cloud = Cloud()
    cloud.put(PARENT, "fav1", FAVOURITES)
    return kind(cloud)


def screens_of(app: MiniApp) -> Iterator[str]:
    """Every screen that the visitor has, shown one after another."""
    for screen in SCREENS:
        tab = app.frame.locator(f'.tabs a[href="#/{screen}"]')
        if tab.count():
            tab.click()
            yield screen or "cabinet"


# --- for everybody ------------------------------------------------------------------------------


def check_axe(app: MiniApp, dark: bool) -> None:
    """No fault in either appearance, whichever VK switches to."""
    for appearance in ("light", "dark") if dark else ("dark", "light"):
        app.host.configure(appearance=appearance)
        app.frame.wait_for_function(
            "to => document.documentElement.dataset.appearance === to", arg=appearance
        )
        assert app.axe() == []


def test_axe_has_nothing_against_any_screen_of_a_family(opened: Opener) -> None:
    """Of three children, with favourites, light and dark, with a card opened and a filter pressed."""
    app = opened(vk=PARENT, host=fond())
    app.frame.wait_for_function("() => document.querySelector('[data-favourites] [data-item]')")
    app.frame.click(f'[data-switch="{SONYA}"]')
    for screen in screens_of(app):
        if screen == "catalog":
            app.frame.click("#good-pen summary")
            app.frame.click('[data-filter="affordable"]')
        check_axe(app, dark=False)
    app.frame.click('.tabs a[href="#/history"]')
    app.frame.click(f'[data-switch="{LIZA}"]')
    check_axe(app, dark=False)


def test_axe_has_nothing_against_a_strangers_screens(opened: Opener) -> None:
    """Light and dark."""
    app = opened(vk=GUEST, dark=True)
    for _ in screens_of(app):
        check_axe(app, dark=True)


def test_axe_has_nothing_against_an_empty_school(
    opened: Opener, serve: Serve, empty: Window
) -> None:
    """One child, no goods, no rules, nothing ever read; each screen says that it waits for
    something.
    """
    app = opened(vk=VERA, site=serve(empty.app))
    said = []
    for screen in screens_of(app):
        check_axe(app, dark=False)
        said.append(
            app.frame.inner_text(f'[data-screen="{screen}"] :is(.hint, .empty p):visible >> nth=0')
        )
    empty_ones = (
        "history_empty",
        "history_empty",
        "catalog_empty",
        "favourites_empty",
        "earn_empty",
    )
    assert said == [getattr(RUSSIAN, name) for name in empty_ones]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """A school that has a child and nothing else."""
    url = new_database(tmp_path_factory.mktemp("empty"))
    child = Resident(1, "Юля", Presence.CLIENT, (1,))
    people = Plan.of(
        Purpose.DESK, Scope(1, TODAY, TODAY), [Put(child), Put(Link(VERA, 1, LinkSource.DESK))]
    )
    record(url, plan=people)
    return Window(url)


@pytest.mark.parametrize("dark", [False, True])
def test_axe_has_nothing_against_pages_without_a_cabinet(
    opened: Opener, serve: Serve, tmp_path: Path, dark: bool
) -> None:
    """Refused, expired, and with the database out; each says it in two languages."""
    stale = launch(PARENT, at=NOW - timedelta(seconds=AGE_SECONDS_DEFAULT + 60))
    out = serve(Window(f"sqlite:///{tmp_path}/none.db").app)
    for query, site in (("", None), (stale, None), (None, out)):
        app = opened(vk=PARENT, query=query, site=site, dark=dark, where=Where.ALONE)
        app.expect("status of (403|503)")
        assert app.frame.evaluate("() => getComputedStyle(document.body).backgroundColor") == rgb(
            dark
        )
        assert app.axe() == []
        assert app.frame.evaluate("() => document.documentElement.lang") == "ru"
        assert app.frame.evaluate(
            "() => [...document.querySelectorAll('main [lang]')].map(one => one.lang)"
        ) == [
            "ru",
            "en",
        ]


def rgb(dark: bool) -> str:
    """The ground as the browser tells it."""
    ground = (DARK if dark else LIGHT).ground
    return f"rgb({', '.join(str(int(ground[at : at + 2], 16)) for at in (1, 3, 5))})"


GROUND = "() => getComputedStyle(document.body).backgroundColor"


def test_appearance_is_the_systems_until_vk_says_another(opened: Opener) -> None:
    """Then VK's, at once and in both directions."""
    for dark in (False, True):
        assert opened(vk=PARENT, dark=dark, where=Where.ALONE).frame.evaluate(GROUND) == rgb(dark)
        app = opened(
            vk=PARENT, dark=dark, host=Host(config={"appearance": "light" if dark else "dark"})
        )
        app.frame.wait_for_function("() => document.documentElement.dataset.appearance")
        assert app.frame.evaluate(GROUND) == rgb(not dark)
        app.host.configure(appearance="dark" if dark else "light")
        app.frame.wait_for_function(f"() => ({GROUND})() === '{rgb(dark)}'")


def test_the_page_says_its_language(opened: Opener) -> None:
    """That of the visitor."""
    for language in ("ru", "en"):
        app = opened(vk=PARENT, language=language)
        assert app.frame.evaluate("() => document.documentElement.lang") == language


FOCUSED = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const {left, right, top, bottom, width} = one.getBoundingClientRect(), style = getComputedStyle(one);
  const points = [[left + 3, (top + bottom) / 2], [right - 3, (top + bottom) / 2], [left + width / 2, top + 3]];
  const ground = element => {
    for (let at = element.parentElement; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
  };
  const light = colour => {
    const [red, green, blue] = colour.match(/\\d+/g).map(part => part / 255)
      .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
    return .2126 * red + .7152 * green + .0722 * blue + .05;
  };
  const contrast = (a, b) => Math.max(light(a), light(b)) / Math.min(light(a), light(b));
  return {
    name: one.dataset.switch ?? one.getAttribute("href") ?? one.ariaLabel ?? one.textContent.trim(),
    kind: one.closest(".tabs, .switcher, .filters")?.className ?? one.closest("[data-screen]")?.dataset.screen,
    ring: one.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    contrast: contrast(style.outlineColor, ground(one)),
    clear: points.every(([x, y]) => one.contains(document.elementFromPoint(x, y))),
  };
}"""


FROM_THE_TOP = """() => {
  const top = document.querySelector("h1");
  top.tabIndex = -1;
  top.focus();
}"""


def walk(app: MiniApp, most: int = 120) -> list[Any]:
    """Press Tab until the focus has left the page; where it was."""
    found: list[Any] = []
    for _ in range(most):
        app.page.keyboard.press("Tab")
        at = app.frame.evaluate(FOCUSED)
        if at is None:
            return found
        found.append(at)
    raise AssertionError(f"the focus never leaves: {found[-5:]}")


def test_keys_alone_reach_everything_in_a_sensible_order(opened: Opener) -> None:
    """Tabs, children, then the screen from top to bottom; each with a ring that is seen whole, and
    then out again.
    """
    app = opened(vk=PARENT, where=Where.ALONE, host=fond())
    app.frame.evaluate("() => document.querySelector('[data-switch=\"51\"]').click()")
    for screen, kinds in (
        ("", ["tabs", "switcher", "cabinet"]),
        ("history", ["tabs", "switcher", "filters", "history"]),
        ("catalog", ["tabs", "switcher", "filters", "catalog"]),
        ("favourites", ["tabs", "switcher", "favourites"]),
        ("earn", ["tabs"]),
    ):
        app.frame.evaluate("screen => { location.hash = '#/' + screen }", screen)
        app.frame.evaluate(FROM_THE_TOP)
        found = walk(app)
        assert list(dict.fromkeys(one["kind"] for one in found)) == kinds
        assert [
            one
            for one in found
            if not (one["ring"] and one["clear"] and one["contrast"] >= RING_MIN)
        ] == []
        reachable = app.frame.locator("a:visible, button:visible, summary:visible").count()
        assert len(found) == reachable
    # And backwards, from the end.
    app.page.keyboard.press("Shift+Tab")
    assert app.frame.evaluate(FOCUSED)["name"] == "#/earn"


def test_keys_alone_work_everything(opened: Opener) -> None:
    """Screens, children, filters, hearts, details and further lines."""
    app = opened(vk=PARENT, where=Where.ALONE)
    press = app.page.keyboard.press
    app.frame.focus(f'[data-switch="{SONYA}"]')
    press("Enter")
    assert app.frame.locator(f"#resident-{SONYA}").is_visible()
    app.frame.focus('.tabs a[href="#/history"]')
    press("Enter")
    app.frame.focus(".more:visible")
    press("Space")
    app.frame.wait_for_function("() => document.activeElement.matches('[data-lines] li')")
    app.frame.focus('.tabs a[href="#/catalog"]')
    press("Enter")
    # From the heading, where the reader was taken, the next stop is the first filter.
    press("Tab")
    assert app.frame.evaluate("() => document.activeElement.dataset.filter") == "affordable"
    press("Space")
    assert app.frame.evaluate("() => document.activeElement.ariaPressed") == "true"
    app.frame.focus("#good-stickers .heart")
    press("Space")
    assert app.frame.evaluate("() => document.activeElement.ariaPressed") == "true"
    press("Tab")
    press("Enter")
    assert app.frame.locator("#good-stickers details p").is_visible()


TARGETS = """() => [...document.querySelectorAll("a, button, summary")]
  .filter(one => one.checkVisibility({visibilityProperty: true}))
  .map(one => [one.ariaLabel ?? one.textContent.trim(), one.getBoundingClientRect()])
  .filter(([, {width, height}]) => width < MIN || height < MIN)
  .map(([name, {width, height}]) => `${name}: ${width} × ${height}`)
""".replace("MIN", str(TARGET_MIN))
IN_THE_CORNER = """([width, height]) => {
  const found = new Set();
  for (let y = 0; y === 0 || y <= document.documentElement.scrollHeight - innerHeight; y += 23) {
    scrollTo(0, y);
    for (let x = innerWidth - width; x < innerWidth; x += 6) for (let at = 1; at < height; at += 5) {
      const one = document.elementFromPoint(x + 1, at)?.closest("a, button, summary, [tabindex='0']");
      if (one) found.add(`${one.outerHTML.slice(0, 60)} at ${y}`);
    }
  }
  scrollTo(0, 0);
  return [...found];
}"""


@pytest.mark.parametrize("width", [320, 390, 1000])
def test_what_is_tapped_is_large_and_leaves_vks_corner_free(opened: Opener, width: int) -> None:
    """44 pixels at least, on every screen; and wherever it is scrolled to, VK's buttons lie over
    nothing of ours.
    """
    app = opened(vk=PARENT, width=width, where=Where.ANDROID, host=fond())
    # Under a camera of a telephone VK's buttons stand lower.
    app.host.configure(insets={"top": INSET, "right": 0, "bottom": 20, "left": 0})
    app.frame.wait_for_function(
        f"() => document.documentElement.style.getPropertyValue('--inset-top') === '{INSET}px'"
    )
    app.frame.wait_for_function("() => document.querySelector('[data-favourites] [data-item]')")
    app.frame.wait_for_function("() => !document.querySelector('[data-home-screen]').hidden")
    app.frame.click(f'[data-switch="{SONYA}"]')
    for screen in screens_of(app):
        assert app.frame.evaluate(TARGETS) == [], screen
        assert app.frame.evaluate(IN_THE_CORNER, [CORNER[0], INSET + CORNER[1]]) == [], screen
    app = opened(vk=GUEST, width=width)
    assert app.frame.evaluate(TARGETS) == []
    assert app.frame.evaluate(IN_THE_CORNER, CORNER) == []


def test_nothing_moves_by_itself(opened: Opener) -> None:
    """No animation and no smooth scrolling, for nobody; who wants less motion needs no other page."""
    for still in (True, False):
        app = opened(vk=PARENT, still=still)
        for screen in screens_of(app):
            assert app.frame.evaluate("() => document.getAnimations().length") == 0, screen
        assert (
            app.frame.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior")
            == "auto"
        )


MARKED = """() => [...document.querySelectorAll("[aria-current], [aria-pressed=true]")]
  .filter(one => one.checkVisibility())
  .map(one => [one.textContent.trim(), getComputedStyle(one).outlineStyle])"""
EDGES = """() => [...document.querySelectorAll(".card, .purse, .good, button, .switcher a")]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && getComputedStyle(one).borderTopStyle === "none")
  .map(one => one.outerHTML.slice(0, 60))"""


def test_forced_colours_leave_the_state_to_be_seen(opened: Opener) -> None:
    """What is current or pressed has a ring, and cards and buttons have edges."""
    app = opened(vk=PARENT, host=fond())
    app.frame.wait_for_function("() => document.querySelector('[data-favourites] [data-item]')")
    app.page.emulate_media(forced_colors="active")
    for screen in screens_of(app):
        marked = app.frame.evaluate(MARKED)
        assert marked
        assert {style for _, style in marked} == {"solid"}, screen
        assert app.frame.evaluate(EDGES) == [], screen
    assert app.axe() == []


# --- room for everything ------------------------------------------------------------------------

LONG = "щ" * 200
#: As long as a name may be.
NAME = LONG[:120]
STRANGE = {
    801: "<script>alert(1)</script>",
    802: "\N{RIGHT-TO-LEFT OVERRIDE}аворвоК ярыМ",
    803: "ירדן כהן של בית הספר",
    804: "👩‍👩‍👧‍👦🧑🏽‍🚀 Ёжик",
    805: NAME,
    806: "عبد الرحمن بن عبد الله",
}
NAMED = "Средняя общеобразовательная школа робототехники и программирования «Лесная тропа» имени первого учителя"
#: Misfits of what is shown: wider than the window, cut off by its surroundings, over something
#: else, or squeezed. Names in rows of buttons and of a wish may end in an ellipsis; what is
#: swiped may go on beyond the edge.
MISFITS = """() => {
  const found = [], root = document.documentElement;
  if (root.scrollWidth > innerWidth) found.push(`the page is ${root.scrollWidth - innerWidth} too wide`);
  const shortened = one => one.closest(".switcher a, .filters button, .aim strong, .news, .good details p");
  const boxes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text; (text = walker.nextNode());) {
    const one = text.parentElement;
    if (!text.data.trim() || !one.checkVisibility({contentVisibilityAuto: true}) || one.matches("script, [data-status]")) continue;
    range.selectNodeContents(text);
    const line = parseFloat(getComputedStyle(one).fontSize) * .7;
    for (const {left, right, top, bottom} of range.getClientRects()) {
      if (right - left < 1) continue;
      const middle = (top + bottom) / 2, box = {left, right, top: middle - line / 2, bottom: middle + line / 2, one};
      if (shortened(one)) continue;
      if (left < -.5 || right > innerWidth + .5) found.push(`out of the window: ${text.data.slice(0, 30)}`);
      for (let at = one; at !== document.body; at = at.parentElement) {
        const edge = at.getBoundingClientRect(), clips = getComputedStyle(at).overflowX !== "visible";
        const holds = clips || at.matches(".card, .purse, .good, .goal, .debt, .tabs a, .button");
        if (!holds) continue;
        const out = left < edge.left - .5 || right > edge.right + .5;
        if (out || box.top < edge.top - .5 || box.bottom > edge.bottom + .5) {
          found.push(`beyond ${at.className || at.localName}: ${text.data.slice(0, 30)}`);
          break;
        }
      }
      if (!one.closest(".top, .tabs")) boxes.push(box);
    }
  }
  for (const one of document.querySelectorAll(".line div, .ways div, .good h4")) {
    const room = one.getBoundingClientRect().width / parseFloat(getComputedStyle(one).fontSize);
    const squeezed = room < 6 && one.checkVisibility();
    if (squeezed) found.push(`squeezed into ${room} em: ${one.textContent.trim().slice(0, 30)}`);
  }
  for (const one of document.querySelectorAll(".coin, .heart, .good img, .blank, .switcher a, .filters button")) {
    if (!one.checkVisibility({visibilityProperty: true})) continue;
    const {left, right, top, bottom} = one.getBoundingClientRect();
    if (!one.matches(".blank")) boxes.push({left, right, top, bottom, one});
  }
  boxes.sort((a, b) => a.top - b.top);
  boxes.forEach((a, at) => {
    for (let next = at + 1; next < boxes.length && boxes[next].top < a.bottom - 1; next++) {
      const b = boxes[next];
      if (a.one === b.one || b.left >= a.right - 1 || a.left >= b.right - 1) continue;
      // A heart lies on its picture.
      if ([a.one, b.one].some(one => one.matches(".heart")) && [a.one, b.one].some(one => one.matches("img"))) continue;
      if (a.one.contains(b.one) || b.one.contains(a.one)) continue;
      const [first, second] = [a.one, b.one].map(one => one.className || one.localName);
      found.push(`${first} over ${second}: ${b.one.textContent.slice(0, 30)}`);
    }
  });
  return [...new Set(found)].slice(0, 6);
}"""


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """A school of strange names: twenty children, prices and amounts of all sizes, 300 goods, long
    categories.
    """
    folder = tmp_path_factory.mktemp("strange")
    changes: list[Change] = [Put(Group(8, NAME))]
    for child in range(700, 719):
        changes += [
            Put(Resident(child, f"Сестра {child}", Presence.CLIENT, (1,))),
            Put(Link(OLEG, child, LinkSource.DESK)),
        ]
    for child, name in STRANGE.items():
        changes += [
            Put(Resident(child, name, Presence.CLIENT, (1,))),
            Put(Link(VERA, child, LinkSource.DESK)),
            Put(Lesson(child, 1, TODAY, "18:00", 2, Status.CONDUCTED, (8,))),
            Post(award(child, child, TODAY, 1)),
            Post(credit(f"desk:a{child}", child, 1_000_000, name)),
            Post(credit(f"desk:b{child}", child, 1, LONG)),
        ]
    url = school_in(folder, *changes)
    record(
        url,
        [Post(Entry("desk:spent", 1, MISHA, -57, Kind.DEBIT, TODAY, BY_HAND, "desk", note=LONG))],
    )
    # What was taken back after it was spent leaves less than nothing.
    record(url, [Post(_taken_back(url))], purpose=Purpose.REVIEW)
    record(url, plan=a_shop(300))
    items = [
        Item(
            f"a-{n}", NAME, "", category, "", LONG * 3, "", price, (), "", 1000 + n, shown=True,
            tracked=n % 2 == 0,
        )
        for n, (category, price) in enumerate(((LONG[:60], 1), (STRANGE[802], 1_000_000), (STRANGE[803], 12_345)))
    ]  # fmt: skip
    record(url, plan=Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), map(Put, items)))
    pictures = folder / "web"
    pictures.mkdir()
    for n in range(300):
        (pictures / f"goods-{n}.{n:012x}.webp").write_bytes(b"RIFF")
    way = Way("big", LONG[:80], LONG[:80], 1_000_000, LONG, "")
    return Window(url, name=NAMED, ways=(way,), pictures=pictures)


def _taken_back(url: str) -> Entry:
    key = lesson_key("school", 900, MISHA)
    database = open_readable(url)
    with reading(database):
        number = next(
            posted.n for posted in entries_of(Reader(database)) if posted.entry.key == key
        )
    return Entry(key, 2, MISHA, -52, Kind.REVERSAL, TODAY, Reason.ABSENT, "sync", reverses=number)


def sweep(app: MiniApp, widths: Iterable[tuple[int, str]]) -> list[str]:
    """Misfits of the screen that is shown at some widths, each with a size of the root's text."""
    found = []
    for width, size in widths:
        app.page.set_viewport_size({"width": width, "height": 700})
        app.frame.evaluate("size => { document.documentElement.style.fontSize = size }", size)
        found += [f"{width} at {size or 'usual'}: {one}" for one in app.frame.evaluate(MISFITS)]
    return found


#: Half a window at twice the sharpness is what a zoom of 200 % leaves; twice the root's text is a
#: browser's large text.
TOUCHED = [(width, "") for width in (390, 360, 320, 195)] + [(390, "200%"), (320, "200%")]
CLICKED = [(width, "") for width in (1000, 768, 500, 384, 320)] + [(1000, "200%"), (768, "200%")]
TIGHT = [(360, ""), (320, "200%")]


@pytest.mark.parametrize("touch", [False, True])
def test_every_screen_fits_at_every_width(
    opened: Opener, serve: Serve, strange: Window, touch: bool
) -> None:
    """From 320 to 1000 pixels, zoomed, with large text; whatever names, numbers and texts are in
    it.
    """
    widths = TOUCHED if touch else CLICKED
    app = opened(vk=VERA, site=serve(strange.app), width=widths[0][0], scale=2, where=Where.ALONE)
    tapped = "#good-a-0 .heart, #good-a-1 .heart, #good-a-0 summary"
    app.frame.evaluate(
        "tapped => document.querySelectorAll(tapped).forEach(one => one.click())", tapped
    )
    for screen in screens_of(app):
        children = {"cabinet": [*STRANGE, MISHA], "history": [802, 805]}.get(screen, [805])
        for child in children:
            app.frame.evaluate(
                "child => document.querySelector(`[data-switch='${child}']`).click()", child
            )
            assert sweep(app, widths if child == 805 else TIGHT) == [], (screen, child)
    app = opened(vk=OLEG, site=app.site, width=widths[0][0], where=Where.ALONE)
    app.frame.evaluate("() => { location.hash = '#resident-718' }")
    assert sweep(app, widths) == []


def test_pages_without_a_cabinet_fit(
    opened: Opener, serve: Serve, strange: Window, empty: Window
) -> None:
    """And so have the stranger's, the empty school's, and everything without the script."""
    site = serve(strange.app)
    refused = opened(query="", site=site, width=1000, where=Where.ALONE)
    refused.expect("status of 403")
    stranger = opened(vk=GUEST, site=site, width=1000, where=Where.ALONE)
    nothing = opened(vk=VERA, site=serve(empty.app), width=1000, where=Where.ALONE)
    for app in (refused, stranger, nothing):
        assert sweep(app, CLICKED) == []
    plain = opened(vk=VERA, site=site, width=1000, where=Where.ALONE, scripts=False)
    assert sweep(plain, TIGHT) == []


def test_names_stay_what_they_are(opened: Opener, serve: Serve, strange: Window) -> None:
    """None of them is markup, and none turns its surroundings round."""
    app = opened(vk=VERA, site=serve(strange.app))
    assert app.frame.evaluate("() => [...document.querySelectorAll('main script')].length") == 0
    for child, name in STRANGE.items():
        assert (
            app.frame.evaluate("id => document.getElementById(id).textContent", f"name-{child}")
            == name
        )
    order = """() => {
      const range = document.createRange(), title = document.querySelector("#resident-802 .lines .what");
      return getComputedStyle(title.querySelector("bdi")).unicodeBidi;
    }"""
    assert app.frame.evaluate(order) == "isolate"


# --- nothing moves ------------------------------------------------------------------------------

SHIFTS = """() => new Promise(done => {
  new PerformanceObserver(list => done(list.getEntries().filter(one => !one.hadRecentInput).flatMap(
    one => one.sources.map(({node, previousRect, currentRect}) =>
      `${node?.outerHTML?.slice(0, 60) ?? node?.data ?? "?"} ${previousRect.y} → ${currentRect.y}`)))
  ).observe({type: "layout-shift", buffered: true});
  setTimeout(done, 100, []);
})"""


class Slow(Host):
    """VK that takes its time."""

    def receive(self, *args: Any) -> None:
        """Get ready, with the answers put off."""
        super().receive(*args)
        for method in ("VKWebAppInit", "VKWebAppStorageGet", "VKWebAppAddToHomeScreenInfo"):
            self.behave(method, late(0.3))


def slowly(app: WSGIApplication) -> WSGIApplication:
    """The app on a slow line: the page is painted before its scripts are there, and pictures come
    later still.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        time.sleep(
            0.2 if path.startswith("/static/") else 0.4 if path.startswith("/pictures/") else 0
        )
        return app(environ, start_response)

    return answer


@pytest.mark.parametrize(
    ("where", "width", "fragment", "favourites"),
    [
        (Where.FRAME, 390, "", True),
        (Where.FRAME, 1000, "", True),
        (Where.ANDROID, 320, "", True),
        (Where.ANDROID, 360, f"history-{LIZA}", False),
        (Where.FRAME, 390, "/catalog", True),
        (Where.FRAME, 390, "/history", False),
        (Where.ALONE, 1000, "/earn", False),
    ],
)
def test_nothing_moves_while_the_page_arrives(
    opened: Opener,
    serve: Serve,
    showcase: Window,
    where: Where,
    width: int,
    fragment: str,
    favourites: bool,
) -> None:
    """Scripts, VK's answers, favourites, another appearance and pictures come one after another."""
    opened.site = serve(slowly(showcase.app))
    host = fond(Slow) if favourites else Slow()
    # How large the frame is, is VK's affair.
    host.behave("VKWebAppResizeWindow", never)
    if where is Where.FRAME:
        host.config["appearance"] = "dark"
    app = opened(vk=PARENT, width=width, where=where, fragment=fragment, host=host, height=1000)
    if where is not Where.ALONE:
        app.frame.wait_for_function("() => document.documentElement.dataset.appearance")
        app.host.called("VKWebAppStorageGet")
    if favourites:
        app.frame.wait_for_function("() => document.querySelector('[data-favourites] [data-item]')")
    if where is Where.ANDROID:
        app.frame.wait_for_function("() => !document.querySelector('[data-home-screen]').hidden")
    app.page.wait_for_timeout(500)
    painted, ready = app.frame.evaluate(
        """() => [performance.getEntriesByName("first-contentful-paint")[0].startTime,
          performance.getEntriesByType("navigation")[0].domContentLoadedEventStart]"""
    )
    # Else the test would say nothing about the time before the script.
    assert painted < ready
    assert app.frame.evaluate(SHIFTS) == []


def test_sizes_of_pictures_are_reserved(opened: Opener, serve: Serve, showcase: Window) -> None:
    """No card changes its size when its picture comes."""
    opened.site = serve(slowly(showcase.app))
    app = opened(vk=PARENT, fragment="/catalog")
    sizes = "() => [...document.querySelectorAll('.good')].map(one => one.getBoundingClientRect().height)"
    before = app.frame.evaluate(sizes)
    app.frame.wait_for_function("() => document.querySelector('.good img').complete")
    assert app.frame.evaluate(sizes) == before


# --- small and quiet ----------------------------------------------------------------------------


def test_the_first_view_is_small(opened: Opener, serve: Serve, tmp_path: Path) -> None:
    """Two children with fifty lines each and thirty goods: as many bytes as the network tells."""
    window = a_window(tmp_path, lines=60, goods=30)
    app = opened(vk=VERA, site=serve(window.app), where=Where.ALONE)
    network = app.page.context.new_cdp_session(app.page)
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    network.on(
        "Network.responseReceived", lambda said: kinds.update({said["requestId"]: said["type"]})
    )
    network.on(
        "Network.loadingFinished",
        lambda said: sizes.update({said["requestId"]: said["encodedDataLength"]}),
    )
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    app.page.reload(wait_until="load")
    app.page.wait_for_timeout(100)
    taken = {
        id: size
        for id, size in sizes.items()
        if kinds.get(id) in ("Document", "Script", "Stylesheet", "Fetch")
    }
    assert len(taken) == 2
    assert sum(taken.values()) <= 24 * 1024
    network.send("HeapProfiler.collectGarbage")
    assert network.send("Runtime.getHeapUsage")["usedSize"] <= 2 * 1024 * 1024
    # Pictures wait until somebody comes near.
    assert not [one for one in app.site.asked if one.path.startswith("/pictures/")]


def test_pictures_come_when_somebody_comes_near(
    opened: Opener, serve: Serve, strange: Window
) -> None:
    """Of three hundred goods only those at the top, and nothing ever from another host."""
    app = opened(vk=VERA, site=serve(strange.app), where=Where.ALONE)
    app.frame.click('.tabs a[href="#/catalog"]')
    app.page.wait_for_timeout(300)
    pictures = {one.path for one in app.site.asked if one.path.startswith("/pictures/")}
    assert 0 < len(pictures) < 60
    assert app.frame.evaluate("() => [...document.images].every(one => one.loading === 'lazy')")
    names = app.frame.evaluate(
        "() => performance.getEntriesByType('resource').map(one => one.name)"
    )
    assert {f"{urlsplit(name).scheme}://{urlsplit(name).netloc}" for name in names} == {
        app.site.origin
    }


def test_strange_sites_cannot_frame_the_cabinet(opened: Opener) -> None:
    """The browser shows nothing of it there."""
    app = opened(vk=PARENT, parent="https://vk.com.example.org")
    app.expect("Content Security Policy")
    app.expect("ERR_BLOCKED_BY_RESPONSE")
    assert "Журавл" not in app.frame.content()
