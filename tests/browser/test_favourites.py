"""Favourites in a real browser: where they are kept, what can go wrong on the way, and what the
page makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIApplication

import pytest

from tests.browser.vk_host import (
    VALUE_MAX,
    Behaviour,
    Cloud,
    Host,
    Where,
    error,
    late,
    never,
    unheard,
)
from tests.support.stall import (
    GOODS,
    GRISHA,
    ODD,
    Slow,
    again,
    go,
    heart,
    hearts,
    kept,
    open_stall,
    shown,
    tap,
    until,
)
from tests.support.webview_client import ANYA, MISHA, NOBODY, OLEG, RITA, VERA, Window, launch
from webview.texts import ENGLISH, RUSSIAN

if TYPE_CHECKING:
    from tests.browser.browser import MiniApp, Opener, Site

pytest_plugins = ("tests.browser.browser",)

GET, SET = "VKWebAppStorageGet", "VKWebAppStorageSet"
SAVED_HERE, NOT_SAVED, TOO_MANY = (
    str(RUSSIAN.script[name]) for name in ("saved_here", "not_saved", "too_many")
)
ALL = [*(code for code, *_ in GOODS), *ODD]
GHOSTS = [f"ghost-{n:03}" for n in range(300)]
#: As long as a code may be.
LONG = [f"ghost-{n:034}" for n in range(100)]

LOCAL = "vk => localStorage.getItem(`coinsync.fav1.${vk}`)"
FOCUSED = """() => {
  const one = document.activeElement, screen = one.closest("[data-screen]")?.dataset.screen ?? "";
  return [screen, one.closest("[data-item]")?.dataset.item ?? one.localName];
}"""
HIDE = """() => {
  Object.defineProperty(document, "hidden", {value: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SHIFTS = """() => new Promise(done => {
  new PerformanceObserver(list => done(list.getEntries().map(one => one.value)))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(done, 100, []);
})"""


@pytest.fixture(scope="module")
def stall(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """The school with its stall."""
    return open_stall(tmp_path_factory.mktemp("stall"))


@pytest.fixture
def opened(mini_app: Opener, serve: Callable[[WSGIApplication], Site], stall: Window) -> Opener:
    """A function that opens the stall; its site knows only of this test."""
    mini_app.site = serve(stall.app)
    return mini_app


def host(
    kind: type[Host] = Host, *, kept: str = "", **behaviours: Behaviour | tuple[Behaviour, ...]
) -> Host:
    """VK that keeps some favourites of Вера already, with behaviours for ``get`` and ``set``.

    She has been here before: nothing but favourites is left to be kept.
    """
    made = kind()
    made.cloud.of(VERA)["me1"] = "seen.41:99,seen.42:99"
    if kept:
        made.cloud.of(VERA)["fav1"] = kept
    for name, planned in behaviours.items():
        made.behave(
            {"get": GET, "set": SET}[name], *(planned if isinstance(planned, tuple) else (planned,))
        )
    return made


def saying(answer: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    """A method of VK's that always answers the same."""
    return lambda _params: answer


def local(app: MiniApp, vk: int = VERA) -> str | None:
    """What this browser keeps of a visitor's favourites."""
    found: str | None = app.frame.evaluate(LOCAL, vk)
    return found


def said(app: MiniApp) -> str:
    """What the page says in passing."""
    return app.frame.inner_text("[data-status]")


def hears(app: MiniApp, text: str) -> None:
    """Wait until the page says something."""
    until(app, lambda: said(app) == text, f"{text!r} is said")


def keeps(app: MiniApp, value: str | None) -> None:
    """Wait until VK keeps just this."""
    until(app, lambda: kept(app) == value, f"VK keeps {value!r}, not {kept(app)!r}")


def pressed(app: MiniApp, *codes: str) -> None:
    """Wait until just these hearts are pressed."""
    until(app, lambda: hearts(app) == list(codes), f"{codes} are pressed, not {hearts(app)}")


def answered(app: MiniApp) -> None:
    """Wait until VK has said what it keeps."""
    call = app.host.called(GET)
    until(app, lambda: call.answered, "an answer")
    app.settle()


def silence(app: MiniApp, calls: int = 1) -> None:
    """Let so much time pass as the page waits for so many calls; and what it waits before the
    first.
    """
    for _ in range(calls):
        app.settle()
        app.page.clock.run_for(5_000)
    app.settle()


# --- kept by VK ---------------------------------------------------------------------------------


def test_hearts_are_kept_by_vk_in_one_short_value_and_are_there_after_a_reload(
    opened: Opener,
) -> None:
    """Codes with commas under one key; nothing stays in the browser, and the server learns of none
    of it.
    """
    app = opened()
    tap(app, "cap", "mug")
    assert hearts(app) == ["mug", "cap"]
    keeps(app, "cap,mug")
    (call,) = app.host.of(SET)
    assert call.params == {"key": "fav1", "value": "cap,mug"}
    until(app, lambda: local(app) is None, "the browser keeps nothing")
    app.page.reload()
    pressed(app, "mug", "cap")
    assert {tuple(call.params["keys"]) for call in app.host.of(GET)} == {("fav1", "me1")}
    assert len(app.host.of(SET)) == 1
    told = " ".join(
        f"{asked.path}?{asked.query} {asked.launch}"
        for asked in app.site.asked
        if "static" not in asked.path
    )
    assert "vk_user_id" in told
    assert not re.search("fav|cap|mug", told)


def test_hearts_are_the_same_on_all_devices(opened: Opener) -> None:
    """Of one person, and of nobody else."""
    cloud = Cloud()
    desktop = opened(host=Host(cloud), width=1280)
    tap(desktop, "mug")
    keeps(desktop, "mug")
    android = opened(host=Host(cloud), where=Where.ANDROID)
    pressed(android, "mug")
    tap(android, "mug", "cap")
    keeps(android, "cap")
    iphone = opened(host=Host(cloud), where=Where.IPHONE)
    pressed(iphone, "cap")
    again(desktop)
    pressed(desktop, "cap")
    other = opened(host=Host(cloud), vk=OLEG)
    answered(other)
    assert hearts(other) == []


@pytest.mark.parametrize("shows_missing", [True, False])
def test_nothing_kept_yet_is_no_trouble(opened: Opener, shows_missing: bool) -> None:
    """Whether VK names a missing key with an empty value or not at all; the last heart that goes
    leaves nothing.
    """
    app = opened(host=Host(Cloud(shows_missing=shows_missing)))
    tap(app, "mug")
    keeps(app, "mug")
    tap(app, "mug")
    keeps(app, None)
    assert (hearts(app), said(app)) == ([], "")


def test_quick_taps_are_one_write(opened: Opener) -> None:
    """VK takes a thousand calls an hour, and a child has quick fingers."""
    app = opened(host=host(Slow))
    answered(app)
    app.page.clock.pause_at(app.frame.evaluate("Date.now() / 1000 + 60"))
    for code in ("pen", "mug", "cap", "mug"):
        tap(app, code)
        app.page.clock.run_for(300)
    app.page.wait_for_timeout(100)
    assert len(app.host.of(GET)) == 1
    app.page.clock.run_for(100)
    keeps(app, "pen,cap")
    assert len(app.host.of(SET)) == 1


def test_vk_is_never_asked_two_things_about_its_storage_at_once(opened: Opener) -> None:
    """However slow it is and however much is tapped meanwhile: it loses answers otherwise."""
    app = opened(host=host(get=(late(0.6), late(0.1)), set=late(0.8)))
    tap(app, "pen", "mug", "cap")
    app.host.called(SET)
    tap(app, "mug", "robot", "scarf")
    keeps(app, "pen,cap,robot,scarf")
    assert app.host.at_once(GET, SET) == 1
    assert len(app.host.of(SET)) == 2
    assert hearts(app) == ["pen", "cap", "scarf", "robot"]


def test_what_another_device_wrote_meanwhile_is_not_written_over(opened: Opener) -> None:
    """Neither a heart that came there nor one that went; the page learns of both."""
    app = opened(host=host(kept="mug,cap"))
    pressed(app, "mug", "cap")
    app.host.cloud.put(VERA, "fav1", "cap,robot")
    tap(app, "pen")
    keeps(app, "cap,robot,pen")
    pressed(app, "pen", "cap", "robot")


# --- VK that is slow, silent or refuses ---------------------------------------------------------


def test_tap_before_vk_has_answered_is_not_lost(opened: Opener) -> None:
    """It is seen at once, and joins what VK had kept."""
    app = opened(host=host(kept="scarf,cap", get=(late(0.6), late(0))))
    tap(app, "mug", "robot", "robot")
    assert hearts(app) == ["mug"]
    assert kept(app) == "scarf,cap"
    keeps(app, "scarf,cap,mug")
    pressed(app, "mug", "cap", "scarf")
    assert said(app) == ""


@pytest.mark.parametrize("where", [Where.FRAME, Where.ANDROID])
def test_vk_that_is_silent_leaves_favourites_in_this_browser(opened: Opener, where: Where) -> None:
    """With a word about it; after a reload they are there at once, and as soon as VK is back they
    go to VK.
    """
    app = opened(host=host(Slow, kept="scarf", get=never, set=never), where=where)
    tap(app, "mug", "cap")
    assert (hearts(app), local(app)) == (["mug", "cap"], "mug,cap")
    silence(app, 2)
    hears(app, SAVED_HERE)
    app.page.reload()
    assert hearts(app) == ["mug", "cap"]
    silence(app)
    assert said(app) == ""
    app.host.behave(GET, late(0))
    app.host.behave(SET, late(0))
    app.page.reload()
    pressed(app, "mug", "cap", "scarf")
    keeps(app, "scarf,mug,cap")
    until(app, lambda: local(app) is None, "the browser keeps nothing")
    assert said(app) == ""


def test_vk_that_could_not_be_read_is_not_written_over(opened: Opener) -> None:
    """A tap asks again first; until then the heart stays in this browser."""
    app = opened()
    answered(app)
    for refusal in (error(1), error(10), error(9, "api_error"), error(5, "auth_error")):
        before = len(app.host.calls)
        app.host.cloud.put(VERA, "fav1", "scarf")
        app.host.behave(GET, refusal, refusal, late(0))
        again(app)
        tap(app, "mug")
        hears(app, SAVED_HERE)
        assert (kept(app), local(app)) == ("scarf", "mug")
        tap(app, "cap")
        keeps(app, "scarf,mug,cap")
        until(app, lambda: local(app) is None, "the browser keeps nothing")
        assert [call.method for call in app.host.calls[before:] if "Storage" in call.method] == [
            GET,
            GET,
            GET,
            SET,
        ]
        pressed(app, "mug", "cap", "scarf")


def test_vk_that_does_not_take_favourites_gets_them_with_the_next_tap(opened: Opener) -> None:
    """And meanwhile they are in this browser."""
    app = opened(host=host(kept="scarf", set=(error(103, "api_error"), error(4), late(0))))
    for times, (code, here) in enumerate((("mug", "mug"), ("cap", "mug,cap")), 1):
        tap(app, code)
        app.host.called(SET, times)
        hears(app, SAVED_HERE)
        assert (kept(app), local(app)) == ("scarf", here)
    tap(app, "scarf")
    keeps(app, "mug,cap")
    until(app, lambda: local(app) is None, "the browser keeps nothing")


def test_answer_that_makes_no_sense_is_none(opened: Opener) -> None:
    """Who takes it for "nothing is kept" would write over what is; strange entries beside ours are
    passed over.
    """
    app = opened(host=host(kept="scarf"))
    answered(app)
    for nonsense in ({}, {"keys": None}, {"keys": "fav1"}, {"keys": {"fav1": "pen"}}):
        app.host.knows[GET] = saying(nonsense)
        again(app)
        tap(app, "mug")
        hears(app, SAVED_HERE)
        assert (kept(app), app.host.of(SET)) == ("scarf", [])
        tap(app, "mug")
    strange = [None, 7, {"key": "fav2", "value": "pen"}, {"key": "fav1", "value": "cap"}]
    app.host.knows[GET] = saying({"keys": strange})
    again(app)
    pressed(app, "cap")


def test_answer_that_comes_too_late_changes_nothing(opened: Opener) -> None:
    """By then VK was asked again."""
    app = opened(host=host(Slow, kept="scarf", get=(late(6), late(0))))
    app.host.called(GET)
    silence(app)
    assert hearts(app) == []
    tap(app, "mug")
    app.page.clock.run_for(500)
    keeps(app, "scarf,mug")
    app.host.cloud.put(VERA, "fav1", "pen")
    app.page.clock.run_for(2_000)
    until(app, lambda: app.host.of(GET)[0].answered, "the late answer")
    app.settle()
    assert hearts(app) == ["mug", "scarf"]


def test_write_that_took_effect_unheard_is_no_second_truth(opened: Opener) -> None:
    """It is found to be done as soon as VK is asked, and nothing is written twice."""
    app = opened(host=host(Slow, kept="scarf", set=(unheard, late(0))))
    pressed(app, "scarf")
    tap(app, "mug")
    app.page.clock.run_for(500)
    app.host.called(SET)
    silence(app)
    hears(app, SAVED_HERE)
    assert (kept(app), local(app)) == ("scarf,mug", "mug")
    app.page.reload()
    until(app, lambda: local(app) is None, "the browser keeps nothing")
    pressed(app, "mug", "scarf")
    assert len(app.host.of(SET)) == 1


def test_heart_that_went_after_an_unheard_write_goes_from_vk_too(opened: Opener) -> None:
    """Though the page never heard that VK had it."""
    app = opened(host=host(Slow, set=(unheard, late(0))))
    tap(app, "mug")
    app.page.clock.run_for(500)
    app.host.called(SET)
    silence(app)
    assert kept(app) == "mug"
    tap(app, "mug")
    app.page.clock.run_for(500)
    keeps(app, None)
    assert hearts(app) == []


# --- pages that end, browsers that keep nothing -------------------------------------------------


def test_page_that_is_hidden_right_after_a_tap_saves_at_once(opened: Opener) -> None:
    """It may not come back."""
    app = opened(host=host(Slow))
    app.host.called(GET)
    app.page.clock.pause_at(app.frame.evaluate("Date.now() / 1000 + 60"))
    tap(app, "mug")
    app.settle()
    assert app.host.of(SET) == []
    app.frame.evaluate(HIDE)
    keeps(app, "mug")


def test_page_that_ends_right_after_a_tap_loses_nothing(opened: Opener) -> None:
    """VK hears of the heart when the page is opened again."""
    app = opened(host=host(get=(never, late(0))))
    tap(app, "mug")
    app.page.reload()
    pressed(app, "mug")
    keeps(app, "mug")


def test_browser_that_keeps_nothing_needs_vk_alone(opened: Opener) -> None:
    """Asking for its storage is an error there."""
    app = opened(storage=False, host=host(kept="cap"))
    tap(app, "mug")
    keeps(app, "cap,mug")
    assert (hearts(app), said(app)) == (["mug", "cap"], "")


def test_where_nothing_can_be_kept_favourites_stay_while_the_page_is_open(opened: Opener) -> None:
    """And the page says so."""
    app = opened(storage=False, host=host(get=error(1), set=error(1)))
    tap(app, "mug")
    hears(app, NOT_SAVED)
    go(app, "favourites")
    assert hearts(app, "favourites") == ["mug"]
    go(app, "catalog")
    tap(app, "cap")
    app.host.called(GET, 3)
    app.settle()
    assert hearts(app) == ["mug", "cap"]
    app.host.behave(GET, late(0))
    app.host.behave(SET, late(0))
    tap(app, "pen")
    keeps(app, "mug,cap,pen")


def test_two_visitors_of_one_browser_have_favourites_of_their_own(opened: Opener) -> None:
    """Where only the browser keeps them; nobody is told of devices where there is no VK."""
    app = opened(where=Where.ALONE)
    tap(app, "mug")
    assert local(app) == "mug"
    app.frame.goto(f"{app.site.origin}/?{launch(OLEG)}")
    assert hearts(app) == []
    tap(app, "cap", "pen", "pen")
    assert (local(app), local(app, OLEG)) == ("mug", "cap")
    app.frame.goto(f"{app.site.origin}/?{launch(VERA)}")
    assert hearts(app) == ["mug"]
    app.frame.wait_for_timeout(500)
    assert said(app) == ""


# --- strange values -----------------------------------------------------------------------------


STRANGE = {
    "mug,mug,cap,mug": (["mug", "cap"], "mug,cap,pen"),
    "ghost-1,mug,plate": (["mug", "plate"], "ghost-1,mug,plate,pen"),
    '<b>mug</b>,"cap",../pen,MUG, mug,__proto__,constructor,': ([], "constructor,pen"),
    ",,,": ([], "pen"),
    '{"mug":true}': ([], "pen"),
    "mug\x00,cap\n,кружка,scarf": (["scarf"], "scarf,pen"),
    f"{'x' * 41},mug": (["mug"], "mug,pen"),
}


def test_strange_values_do_no_harm_and_unknown_codes_stay(opened: Opener) -> None:
    """What is no code is passed over; what today's catalog lacks is not shown and not deleted."""
    app = opened()
    for value, (codes, after) in STRANGE.items():
        app.host.cloud.put(VERA, "fav1", value)
        again(app)
        pressed(app, *codes)
        tap(app, "pen")
        keeps(app, after)
        assert hearts(app, "favourites") == ["pen", *codes]


def test_value_that_was_cut_does_not_end_in_another_heart(opened: Opener) -> None:
    """VK cuts without a word, so that a longer code may end as one that we have."""
    value = f"cap,{','.join([*LONG, *LONG])[:4088]},mug"
    assert len(value) == VALUE_MAX
    pressed(opened(host=host(kept=value)), "cap")


def test_there_is_room_for_two_hundred(opened: Opener) -> None:
    """Then the page says that there is none; whoever takes a heart away may give another."""
    app = opened(host=host(kept=",".join(["mug", *GHOSTS[:198]])))
    pressed(app, "mug")
    tap(app, "cap")
    keeps(app, ",".join(["mug", *GHOSTS[:198], "cap"]))
    tap(app, "pen")
    assert (said(app), hearts(app)) == (TOO_MANY, ["mug", "cap"])
    tap(app, "mug", "pen")
    keeps(app, ",".join([*GHOSTS[:198], "cap", "pen"]))


def test_there_is_room_for_four_thousand_characters(opened: Opener) -> None:
    """However few goods those are: VK would cut what is longer."""
    value = ",".join(["cap", *LONG[:97], "m" * 15])
    app = opened(host=host(kept=value))
    pressed(app, "cap")
    tap(app, "pen", "mug")
    assert (said(app), hearts(app)) == (TOO_MANY, ["pen", "cap"])
    keeps(app, f"{value},pen")
    assert len(f"{value},pen") == 4_000


def test_more_than_there_is_room_for_is_not_thrown_away(opened: Opener) -> None:
    """Whoever stored it; it only becomes less."""
    app = opened(host=host(kept=",".join(["mug", *GHOSTS[:250]])))
    pressed(app, "mug")
    tap(app, "pen")
    assert said(app) == TOO_MANY
    tap(app, "mug")
    keeps(app, ",".join(GHOSTS[:250]))


def test_room_that_another_device_has_taken_is_missed_at_last(opened: Opener) -> None:
    """The newest heart gives way, and the page says why; nothing is cut."""
    app = opened()
    answered(app)
    app.host.cloud.put(VERA, "fav1", ",".join(GHOSTS[:199]))
    tap(app, "mug", "cap")
    assert hearts(app) == ["mug", "cap"]
    hears(app, TOO_MANY)
    assert hearts(app) == ["mug"]
    keeps(app, ",".join([*GHOSTS[:199], "mug"]))


# --- the screen of favourites -------------------------------------------------------------------


def test_card_goes_with_its_heart_and_the_focus_stays_in_the_list(opened: Opener) -> None:
    """On the next one, else on the one before, else on the heading; the catalog follows, and no
    card is two.
    """
    app = opened(host=host(kept="robot,mug,cap"))
    pressed(app, "mug", "cap", "robot")
    go(app, "favourites")
    empty = app.frame.locator("[data-favourites-empty]")
    assert hearts(app, "favourites") == ["mug", "cap", "robot"]
    assert not empty.is_visible()
    ids = app.frame.evaluate("() => [...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    for code, focused in (("cap", "robot"), ("robot", "mug"), ("mug", "h2")):
        app.frame.click(heart("favourites", code))
        assert code not in hearts(app, "favourites")
        assert app.frame.evaluate(FOCUSED) == ["favourites", focused]
    assert empty.is_visible()
    assert empty.locator("p >> nth=0").inner_text() == RUSSIAN.favourites_empty
    assert hearts(app) == []
    keeps(app, None)


def test_focus_finds_the_heading_of_favourites_that_were_opened_by_a_link(opened: Opener) -> None:
    """Where nobody has been by a tab yet."""
    app = opened(host=host(kept="mug"), fragment="/favourites")
    app.frame.click(heart("favourites", "mug"))
    assert app.frame.evaluate(FOCUSED) == ["favourites", "h2"]


def test_hearts_are_given_and_taken_by_keys(opened: Opener) -> None:
    """Found by Tab, named by the goods, and told as pressed or not."""
    app = opened(host=host(kept="cap"), width=1024, fragment="/catalog")
    pressed(app, "cap")
    app.frame.focus('[data-filter="category"]:last-of-type')
    app.page.keyboard.press("Tab")
    assert app.frame.evaluate(FOCUSED) == ["catalog", "pen"]
    named = RUSSIAN.heart.format(name="Ручка")
    assert app.frame.get_by_role("button", name=named, pressed=False).count() == 1
    app.page.keyboard.press("Enter")
    assert app.frame.get_by_role("button", name=named, pressed=True).count() == 1
    keeps(app, "cap,pen")
    go(app, "favourites")
    app.frame.focus(heart("favourites", "pen"))
    app.page.keyboard.press("Space")
    assert app.frame.evaluate(FOCUSED) == ["favourites", "cap"]
    app.page.keyboard.press("Enter")
    assert app.frame.evaluate(FOCUSED) == ["favourites", "h2"]
    assert hearts(app) == []


def test_favourites_show_what_the_filter_hides_and_whose_coins_count(opened: Opener) -> None:
    """A card there is a whole card: with the words for the child that is chosen now."""
    app = opened(host=host(kept="mug"))
    pressed(app, "mug")
    go(app, "catalog")
    app.frame.click('[data-category="1"]')
    assert shown(app) == ["pen", "sticker"]
    tap(app, "cap")
    go(app, "favourites")
    assert hearts(app, "favourites") == ["mug", "cap"]
    assert app.frame.is_visible(heart("favourites", "cap"))
    reach = app.frame.locator('[data-favourites] [data-item="mug"] .reach:visible')
    assert reach.inner_text().strip() == RUSSIAN.enough
    app.frame.click(f'[data-switch="{MISHA}"]')
    assert reach.inner_text().startswith("не хватает")
    assert reach.count() == 1


# --- what a child saves up for ------------------------------------------------------------------


def goal(app: MiniApp, child: int = ANYA) -> str:
    """What a child saves up for, and how far that is; or the invitation to choose something."""
    box = app.frame.locator(f'[data-goal="{child}"]')
    label, name, text = (
        str(box.locator(f"[data-goal-{part}]").text_content()) for part in ("label", "name", "text")
    )
    return f"{label} {name}: {text}" if text else name


RUSSIAN_GOALS = {
    ("sticker",): "На что копим Наклейка: ещё 1 монета, это 1 занятие",
    ("cap",): "На что копим Кепка: ещё 2 монеты, это 1 занятие",
    ("scarf",): "На что копим Шарф: ещё 30 монет, это 3 занятия",
    ("robot",): "На что копим Робот: ещё 500 монет, это 50 занятий",
    ("robot", "scarf", "mug"): "На что копим Шарф: ещё 30 монет, это 3 занятия",
    ("mug",): "Можно забирать! Кружка: Подойдите к администратору школы.",
    ("mug", "pen"): "Можно забирать! Кружка: Подойдите к администратору школы.",
    ("plate",): RUSSIAN.goal_none,
    ("plate", "robot"): "На что копим Робот: ещё 500 монет, это 50 занятий",
    (): RUSSIAN.goal_none,
}
ENGLISH_GOALS = {
    ("sticker",): "Saving up for Sticker: 1 coin to go, that is 1 lesson",
    ("scarf",): "Saving up for Scarf: 30 coins to go, that is 3 lessons",
    ("mug",): "Ready for you! Mug: Ask the school's administrator.",
    (): ENGLISH.goal_none,
}


@pytest.mark.parametrize(("language", "goals"), [("ru", RUSSIAN_GOALS), ("en", ENGLISH_GOALS)])
def test_nearest_favourite_stands_in_the_cabinet_with_the_lessons_to_it(
    opened: Opener, language: str, goals: dict[tuple[str, ...], str]
) -> None:
    """The cheapest that there are not coins enough for; what is sold out is nobody's goal."""
    app = opened(language=language)
    for codes, text in goals.items():
        tap(app, *codes)
        assert goal(app) == text
        tap(app, *codes)
    app.frame.click("[data-goal] a")
    assert app.frame.evaluate("location.hash") == "#/catalog"


def test_each_child_has_a_goal_of_its_own(opened: Opener) -> None:
    """Debts are to be made up first; whoever is chosen shows theirs."""
    app = opened(host=host(kept="pen"))
    pressed(app, "pen")
    assert goal(app) == "Можно забирать! Ручка: Подойдите к администратору школы."
    app.frame.click(f'[data-switch="{MISHA}"]')
    assert not app.frame.is_visible(f'[data-goal="{ANYA}"]')
    assert goal(app, MISHA) == "На что копим Ручка: ещё 11 монет, это 2 занятия"


def test_goods_of_another_branch_are_no_goal_and_lessons_without_coins_are_not_counted(
    opened: Opener,
) -> None:
    """The flag is sold in Omsk, where lessons give nothing."""
    app = opened(vk=OLEG)
    tap(app, "flag")
    assert goal(app, RITA) == RUSSIAN.goal_none
    app.frame.click(f'[data-switch="{GRISHA}"]')
    assert goal(app, GRISHA) == "На что копим Флаг Омска: ещё 10 монет"
    tap(app, "scarf")
    app.frame.click(f'[data-switch="{RITA}"]')
    assert goal(app, RITA) == "На что копим Шарф: ещё 28 монет, это 3 занятия"


def test_name_is_a_name_and_nothing_else(opened: Opener) -> None:
    """Whatever braces, marks and directions are in it."""
    app = opened()
    tap(app, "braces")
    assert goal(app) == "На что копим {coins} <b>{name}</b> $& $1: ещё 44 монеты, это 5 занятий"
    go(app, "favourites")
    app.frame.click('[data-favourites] [data-item="braces"] .choice')
    hears(app, "Копим на «\u2068{coins} <b>{name}</b> $& $1\u2069»")


def test_nothing_moves_when_vk_answers(opened: Opener) -> None:
    """There is room for what comes late: for the goal, and for the hearts."""
    app = opened(host=host(kept="long", get=late(0.3)), width=320)
    box = app.frame.locator("[data-goal]:visible").bounding_box()
    until(app, lambda: goal(app).startswith("На что копим Набор маркеров для скетчинг"), "a goal")
    assert app.frame.locator("[data-goal]:visible").bounding_box() == box
    assert app.frame.evaluate(SHIFTS) == []


# --- what is shown of the catalog ---------------------------------------------------------------


def test_catalog_shows_what_the_chosen_child_has_coins_for(opened: Opener) -> None:
    """And another child's when another is chosen; whoever has coins for nothing is told to go on."""
    app = opened(fragment="/catalog")
    assert shown(app) == [code for code in ALL if code != "flag"]
    chip = app.frame.get_by_role("button", name=RUSSIAN.affordable)
    nothing = app.frame.get_by_text(RUSSIAN.nothing_fits)
    chip.click()
    assert (shown(app), chip.get_attribute("aria-pressed")) == (["pen", "mug"], "true")
    assert not nothing.is_visible()
    app.frame.click(f'[data-switch="{MISHA}"]')
    assert shown(app) == []
    assert nothing.is_visible()
    app.frame.click(f'[data-switch="{ANYA}"]')
    assert shown(app) == ["pen", "mug"]
    chip.click()
    assert (len(shown(app)), chip.get_attribute("aria-pressed")) == (len(ALL) - 1, "false")


def test_catalog_shows_one_category_and_both_filters_together(opened: Opener) -> None:
    """Headings of what is not shown go too; "all" takes the category away."""
    app = opened(fragment="/catalog")
    everything = app.frame.get_by_role("button", name=RUSSIAN.all_goods)
    assert everything.get_attribute("aria-pressed") == "true"
    app.frame.get_by_role("button", name="Посуда").click()
    assert shown(app) == ["mug", "plate"]
    assert app.frame.locator(".category:visible").all_inner_texts() == ["Посуда"]
    assert everything.get_attribute("aria-pressed") == "false"
    app.frame.get_by_role("button", name=RUSSIAN.affordable).click()
    assert shown(app) == ["mug"]
    app.frame.get_by_role("button", name="Одежда").click()
    assert shown(app) == []
    assert app.frame.get_by_text(RUSSIAN.nothing_fits).is_visible()
    everything.click()
    assert shown(app) == ["pen", "mug"]
    assert app.frame.locator('[data-filter][aria-pressed="true"]').count() == 2


def test_strangers_choose_and_like_without_coins(opened: Opener) -> None:
    """Nobody asks what they have coins for; hearts and categories are theirs too."""
    app = opened(vk=NOBODY, fragment="/catalog")
    assert shown(app) == ALL
    assert app.frame.locator('[data-filter="affordable"]').count() == 0
    app.frame.get_by_role("button", name="Посуда").click()
    assert shown(app) == ["mug", "plate"]
    tap(app, "mug")
    keeps(app, "mug")
    go(app, "favourites")
    assert hearts(app, "favourites") == ["mug"]
