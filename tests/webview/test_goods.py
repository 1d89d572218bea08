"""The catalog, the memo and the pictures: what there is, for whom it is enough, how more is earned."""  # noqa: E501

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coinsync.core.catalog import Item, MoveKind, StockMove
from coinsync.core.facts import Presence, Resident
from coinsync.core.plan import Change, Plan, Purpose, Put, Scope, Stock
from coinsync.core.rules import Rule
from coinsync.core.school import Contact, SchoolProfile, Way, vk_link
from tests.support.webview_client import (
    ANYA,
    MISHA,
    NOBODY,
    NOW,
    OLEG,
    RITA,
    TODAY,
    VERA,
    Window,
    check_headers,
    check_scripts,
    launch,
    plain,
    record,
    school_in,
)
from tests.webview.test_budget import a_shop
from tests.webview.test_pages import line
from webview import gallery, pages
from webview.gallery import Gallery
from webview.goods import GOODS_MAX, Good, Purse, catalog
from webview.memo import coins_per_lesson, memo, rules_on
from webview.school_view import SchoolView
from webview.texts import ENGLISH, RUSSIAN, Texts

FORMS = ("монета", "монеты", "монет")
SCHOOL = SchoolView(
    SchoolProfile("Лесная тропа", FORMS, ("coin", "coins"), ZoneInfo("Europe/Moscow"))
)
MUG = Item(
    "mug",
    "Кружка",
    "Mug",
    "Мелочи",
    "Small",
    "Керамика.",
    "Ceramic.",
    50,
    (),
    "",
    1,
    shown=True,
    tracked=True,
)
ADA, TIM = Purse(1, "Ада", (1,), 60), Purse(2, "Тим", (2,), 20)
PICTURE = "mug.0123456789ab.webp"
DRAWING = "cap.abcdef012345.svg"


def changed(**profile: Any) -> SchoolView:
    """The school with something of its profile changed."""
    return SchoolView(replace(SCHOOL.profile, **profile))


def shown(
    item: Item,
    left: int = 3,
    *buyers: Purse,
    texts: Texts = RUSSIAN,
    pictures: Mapping[str, str] | None = None,
) -> Good:
    """An item as its card says it."""
    ((good,),) = (
        one.goods for one in catalog([(item, left)], buyers, pictures or {}, SCHOOL, texts)
    )
    return good


# --- one card -----------------------------------------------------------------------------------


def test_a_card_says_what_it_is_in_the_familys_language() -> None:
    """Name, text, category, price with the coin's word."""
    russian, english = shown(MUG), shown(MUG, texts=ENGLISH)
    assert (russian.name, russian.text, russian.price, russian.coins) == (
        "Кружка",
        "Керамика.",
        "50",
        "монет",
    )
    assert (english.name, english.text, english.price, english.coins) == (
        "Mug",
        "Ceramic.",
        "50",
        "coins",
    )
    assert [one.title for one in catalog([(MUG, 1)], (), {}, SCHOOL, ENGLISH)] == ["Small"]


def test_what_nobody_has_translated_stays_russian() -> None:
    """An empty English text, or one of blanks, is none."""
    good = shown(replace(MUG, name_en=" ", text_en=""), texts=ENGLISH)
    assert (good.name, good.text) == ("Кружка", "Керамика.")


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (1, "1 монета"),
        (2, "2 монеты"),
        (1_000_000, "1\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}000 монет"),
    ],
)
def test_a_price_is_written_as_a_balance_is(price: int, text: str) -> None:
    """The word is declined, thousands are set apart; a program reads the plain number."""
    good = shown(replace(MUG, price=price))
    assert (f"{good.price} {good.coins}", good.cost) == (text, price)


@pytest.mark.parametrize(
    ("left", "tracked", "stock", "gone"),
    [
        (3, True, "осталось 3", False),
        (0, True, "нет в наличии", True),
        (-2, True, "нет в наличии", True),
        (0, False, "", False),
    ],
)
def test_stock_is_told_where_it_is_counted(
    left: int, tracked: bool, stock: str, gone: bool
) -> None:
    """How many are left, or none; nothing where nobody counts."""
    good = shown(replace(MUG, tracked=tracked), left)
    assert (good.stock, good.gone) == (stock, gone)


def test_what_can_be_afforded_is_said_in_words_for_each_child() -> None:
    """Nobody needs to compare numbers or colours."""
    assert [(one.name, one.text, one.enough) for one in shown(MUG, 3, ADA, TIM).reach] == [
        ("Ада", "хватает", True),
        ("Тим", "не хватает 30", False),
    ]
    assert shown(MUG, 3, TIM, texts=ENGLISH).reach[0].text == "30 more needed"
    assert shown(MUG, 3, replace(TIM, balance=50)).reach[0].enough


def test_a_debt_is_made_up_for_before_anything_is_bought() -> None:
    """So much must come in until the price can be paid; the cabinet's goal says the same."""
    assert shown(MUG, 3, replace(TIM, balance=-25)).reach[0].text == "не хватает 75"


def test_what_is_out_of_stock_tempts_nobody() -> None:
    """Whether coins would do is not said."""
    assert shown(MUG, 0, ADA, TIM).reach == ()
    assert len(shown(replace(MUG, tracked=False), 0, ADA, TIM).reach) == 2


def test_goods_are_those_of_the_childrens_branches() -> None:
    """Each with the children who can have it; a visitor without children sees all."""
    omsk, kazan, both = (
        replace(MUG, code=code, branches=of)
        for code, of in (("o", (2,)), ("k", (1, 3)), ("b", (1, 2)))
    )
    shelf = [(one, 1) for one in (omsk, kazan, both, replace(MUG, code="all"))]

    def seen(*buyers: Purse) -> list[tuple[str, list[int]]]:
        (found,) = catalog(shelf, buyers, {}, SCHOOL, RUSSIAN)
        return [(one.code, [reach.resident for reach in one.reach]) for one in found.goods]

    assert seen(ADA) == [("k", [1]), ("b", [1]), ("all", [1])]
    assert seen(ADA, TIM) == [("o", [2]), ("k", [1]), ("b", [1, 2]), ("all", [1, 2])]
    assert seen(Purse(3, "", (), 0)) == [("all", [3])]
    assert [code for code, _ in seen()] == ["o", "k", "b", "all"]


def test_neighbours_of_one_category_stand_under_its_name() -> None:
    """The order is the catalog's own."""
    shelf = [
        (replace(MUG, code=code, category_ru=category), 1)
        for code, category in zip("abcd", "МММБ", strict=True)
    ]
    shelf.append((replace(MUG, code="e", category_ru=""), 1))
    found = catalog(shelf, (), {}, SCHOOL, RUSSIAN)
    assert [(one.title, [good.code for good in one.goods]) for one in found] == [
        ("М", ["a", "b", "c"]),
        ("Б", ["d"]),
        ("", ["e"]),
    ]


def test_a_card_without_a_picture_has_a_letter() -> None:
    """The first letter that can be seen, if there is one."""
    names = ("кружка", "«Робот»", "\N{RIGHT-TO-LEFT OVERRIDE}аря", "🦊")
    assert [shown(replace(MUG, name_ru=name)).letter for name in names] == ["К", "Р", "А", ""]
    assert (
        shown(replace(MUG, picture=PICTURE), pictures={PICTURE: f"/pictures/{PICTURE}"}).picture
        == f"/pictures/{PICTURE}"
    )
    assert shown(replace(MUG, picture=PICTURE)).picture == ""


def test_goods_are_bounded_and_more_are_mentioned() -> None:
    """As many as a catalog file may hold."""
    many = [(replace(MUG, code=f"g{n}"), 1) for n in range(GOODS_MAX + 1)]
    page = pages.cabinet(pages.Family(shelf=many), SCHOOL, "ru", datetime(2026, 11, 22, tzinfo=UTC))
    (category,) = page.shop.categories
    assert (len(category.goods), page.shop.more) == (
        GOODS_MAX,
        "Показаны не все товары, только первые 1000.",
    )


# --- the memo -----------------------------------------------------------------------------------

RULE = Rule("group", 10, frozenset({2}), date(2026, 9, 1))
OLYMPIAD = Way(
    "olympiad", "Победа в олимпиаде", "Olympiad won", 50, "Принеси диплом.", "Bring a diploma."
)


def told(
    *rules: Rule, branches: tuple[int, ...] = (), texts: Texts = RUSSIAN, **more: Any
) -> list[tuple[str, str]]:
    """Titles and amounts of the memo."""
    school = changed(rules=rules, **more)
    return [(one.title, one.amount) for one in memo(school, branches, texts, TODAY)]


def test_the_memo_tells_what_lessons_give_and_every_other_way() -> None:
    """In families' words, in their language."""
    lessons = {"group": ("Занятие в группе", "Group lesson")}
    assert told(RULE, ways=(OLYMPIAD,), lesson_titles=lessons) == [
        ("Занятие в группе", "+10 монет"),
        ("Победа в олимпиаде", "+50 монет"),
    ]
    assert told(RULE, ways=(OLYMPIAD,), texts=ENGLISH) == [
        ("Lesson", "+10 coins"),
        ("Olympiad won", "+50 coins"),
    ]
    (_, won) = memo(changed(rules=(RULE,), ways=(OLYMPIAD,)), (), RUSSIAN, TODAY)
    assert won.text == "Принеси диплом."


def test_rules_that_families_know_by_one_name_stand_on_one_line() -> None:
    """From the lowest rate to the highest."""
    assert told(RULE, replace(RULE, name="single", coins=21)) == [("Занятие", "+10–21 монета")]


@pytest.mark.parametrize(
    ("rules", "coins"),
    [
        ((RULE, replace(RULE, coins=12, since=date(2026, 11, 22))), "+12 монет"),
        ((replace(RULE, coins=12, since=date(2026, 11, 23)), RULE), "+10 монет"),
        ((replace(RULE, until=date(2026, 11, 22)),), "+10 монет"),
    ],
)
def test_the_rate_is_that_of_today(rules: tuple[Rule, ...], coins: str) -> None:
    """A rate that began today counts, one that begins tomorrow does not, one that ends today still
    does.
    """
    assert told(*rules) == [("Занятие", coins)]


def test_a_rule_that_is_over_is_not_told() -> None:
    """Nor one of a branch where no child of the family learns."""
    assert told(replace(RULE, until=date(2026, 11, 21))) == []
    omsk = replace(RULE, branches=frozenset({2}))
    assert told(omsk, branches=(1,)) == []
    assert told(omsk, branches=(1, 2)) == told(omsk) == [("Занятие", "+10 монет")]


def test_lessons_left_are_counted_by_the_rule_that_paid_last() -> None:
    """At today's rate; by the lowest where none has paid, and not at all where nothing is paid."""
    rules = rules_on(
        (
            RULE,
            replace(RULE, name="single", coins=20),
            replace(RULE, coins=15, since=date(2026, 11, 1)),
        ),
        (),
        TODAY,
    )
    assert coins_per_lesson([line(2, rule="single"), line(1, rule="group")], rules) == 20
    assert coins_per_lesson([line(2, rule="given up"), line(1, rule="group")], rules) == 15
    assert coins_per_lesson([], rules) == 15
    assert coins_per_lesson([line(1, rule="group")], ()) == 0


# --- pictures -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two copies."""
    made = tmp_path / "web"
    made.mkdir()
    (made / PICTURE).write_bytes(b"RIFFxxxxWEBP")
    (made / DRAWING).write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    return made


def test_pictures_are_found_by_name_with_their_kind(folder: Path) -> None:
    """And have an address."""
    there = Gallery(folder, {})
    picture, drawing = there.find(PICTURE), there.find(DRAWING)
    assert picture == gallery.Picture(b"RIFFxxxxWEBP", "image/webp")
    assert drawing is not None
    assert drawing.kind == "image/svg+xml"
    assert there.addresses([PICTURE, "none.0123456789ab.webp"]) == {PICTURE: f"/pictures/{PICTURE}"}


def test_a_picture_that_came_later_is_known(folder: Path) -> None:
    """Without a new start, and one that is gone leads to nothing."""
    there = Gallery(folder, {})
    late = "pen.0123456789ab.webp"
    assert there.addresses([late]) == {}
    (folder / late).write_bytes(b"RIFF")
    assert there.addresses([late])
    assert there.find(late) is not None
    (folder / late).unlink()
    assert there.find(late) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../secret.0123456789ab.svg",
        "a/b.0123456789ab.svg",
        "mug.webp",
        "Mug.0123456789ab.webp",
        ".mug.0123456789ab.webp.7.part",
        f"{PICTURE}\n",
        f"{PICTURE}\x00",
        "mug.0123456789ab.html",
    ],
)
def test_a_name_of_another_form_is_never_looked_for(folder: Path, name: str) -> None:
    """Whatever the catalog says: no path, no other kind."""
    for path in (
        folder.parent / "secret.0123456789ab.svg",
        folder / "mug.webp",
        folder / "mug.0123456789ab.html",
    ):
        path.write_bytes(b"secret")
    there = Gallery(folder, {})
    assert there.addresses([name]) == {}
    assert there.find(name) is None


def test_only_files_are_pictures(folder: Path) -> None:
    """No link that leads elsewhere, no folder, no pipe, nothing huge."""
    (folder.parent / "secret").write_bytes(b"secret")
    (folder / "link.0123456789ab.webp").symlink_to(folder.parent / "secret")
    (folder / "folder.0123456789ab.webp").mkdir()
    os.mkfifo(folder / "pipe.0123456789ab.webp")
    (folder / "huge.0123456789ab.webp").write_bytes(bytes(gallery.BYTES_MAX + 1))
    there = Gallery(folder, {})
    names = [f"{name}.0123456789ab.webp" for name in ("link", "folder", "pipe", "huge")]
    assert list(there.addresses(names)) == [names[3]]
    assert [there.find(name) for name in names] == [None] * 4
    # One that becomes a link after it was known is not followed either.
    (folder / PICTURE).unlink()
    (folder / PICTURE).symlink_to(folder.parent / "secret")
    assert there.find(PICTURE) is None


def test_without_a_folder_there_are_no_pictures(tmp_path: Path) -> None:
    """None named, or one that is not there: the school's own pictures are served all the same."""
    for folder in (None, tmp_path / "none"):
        there = Gallery(folder, {DRAWING: b"<svg/>"})
        assert there.find(PICTURE) is None
        assert there.find(DRAWING) == gallery.Picture(b"<svg/>", "image/svg+xml")


# --- on the page --------------------------------------------------------------------------------


def goods(*items: Item, **stock: int) -> list[Change]:
    """Changes that record items and what is left of them."""
    moves = (
        StockMove(f"stock:{code}", code, left, MoveKind.RECEIVE, TODAY, "desk")
        for code, left in stock.items()
    )
    return [*map(Put, items), *map(Stock, moves)]


@pytest.fixture
def window(tmp_path: Path, folder: Path) -> Window:
    """A school with a shop, and the window onto it."""
    url = school_in(tmp_path)
    hidden = replace(MUG, code="hidden", name_ru="Спрятанное", shown=False)
    gone = replace(MUG, code="gone", name_ru="Убранное", archived=True)
    cap = replace(MUG, code="cap", name_ru="Кепка", price=57, place=2, picture=DRAWING)
    pen = replace(MUG, code="pen", name_ru="Ручка", branches=(2,), place=3)
    plan = Plan.of(
        Purpose.CATALOG,
        Scope(1, TODAY, TODAY),
        goods(replace(MUG, picture=PICTURE), cap, pen, hidden, gone, mug=3),
    )
    record(url, plan=plan)
    return Window(url, pictures=folder, ways=(OLYMPIAD,), rules=(RULE,))


def test_the_page_has_every_screen_one_below_the_other(window: Window) -> None:
    """Plain anchors lead to them."""
    page = window.page(VERA)
    places = [
        page.index(f'id="/{name}"') for name in ("", "history", "catalog", "favourites", "earn")
    ]
    assert places == sorted(places)
    for name in ("", "history", "catalog", "favourites", "earn"):
        assert f'<a href="#/{name}">' in page


def test_the_page_shows_the_goods_of_the_family(window: Window) -> None:
    """What is shown and of its branches, with stock and reach in words."""
    page = plain(window.page(VERA))
    assert (
        "Кружка 50 монет осталось 3 Аня Лисицына : хватает Миша Лисицын : хватает Подробнее Керамика."  # noqa: E501
        in page
    )
    assert "Кепка 57 монет нет в наличии" in page
    assert not any(name in page for name in ("Ручка", "Спрятанное", "Убранное"))
    assert "Победа в олимпиаде Принеси диплом. +50 монет" in page
    assert "Занятие Приходи на занятия по расписанию" in page
    assert "Отмечайте товары сердечком" in page


def test_an_only_child_is_not_named_at_every_price(window: Window) -> None:
    """There is nobody to tell it from."""
    assert "Кружка 50 монет осталось 3 хватает Подробнее" in plain(window.page(OLEG))


def test_the_script_finds_numbers_and_disabled_hearts(window: Window) -> None:
    """In attributes and in data, nowhere else."""
    page = window.page(VERA)
    assert '<li class="good" id="good-mug" data-item="mug" data-price="50">' in page
    assert page.count('<button class="heart" type="button" disabled aria-pressed="false"') == 2
    assert f'{{"id":{ANYA},"name":"Аня Лисицына","balance":{15 + ANYA},"lesson":10}}' in page


def test_a_picture_of_the_page_is_loaded_when_it_is_seen(window: Window) -> None:
    """With its size, so that nothing moves when it comes."""
    page = window.page(VERA)
    assert (
        f'<img src="/pictures/{PICTURE}" alt="" width="320" height="320" loading="lazy" decoding="async">'  # noqa: E501
        in page
    )
    got = window.ask(path=f"/pictures/{PICTURE}")
    assert (got.status, got.body, got.headers["Content-Type"]) == (
        200,
        b"RIFFxxxxWEBP",
        "image/webp",
    )
    check_headers(got, cache="public, max-age=31536000, immutable")


def test_a_drawing_may_do_nothing_by_itself(window: Window) -> None:
    """Opened alone it is a document, and it gets a policy of its own."""
    got = window.ask(path=f"/pictures/{DRAWING}")
    assert (got.status, got.headers["Content-Type"]) == (200, "image/svg+xml")
    policy = got.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "unsafe" not in policy
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    head = window.ask(path=f"/pictures/{DRAWING}", method="HEAD")
    assert (head.headers, head.body) == (got.headers, b"")


@pytest.mark.parametrize(
    "name",
    [
        "none.0123456789ab.webp",
        "../app.py",
        "..%2fapp.py",
        "..\\app.py",
        "mug.webp",
        "",
        "\x00",
        f"{PICTURE}/",
        "a" * 5000,
    ],
)
def test_whatever_else_is_asked_for_under_pictures_is_not_there(window: Window, name: str) -> None:
    """The page that everything meets which is not there."""
    got = window.ask(path=f"/pictures/{name}")
    assert (got.status, got.body) == (404, window.ask(path="/nothing").body)
    check_headers(got)


def test_a_picture_that_is_lost_leaves_a_letter(window: Window, folder: Path) -> None:
    """A page made after its file went never names it if the window was started anew."""
    (folder / PICTURE).unlink()
    fresh = Window(window.url, pictures=folder)
    assert '<span class="picture" aria-hidden="true">К</span>' in fresh.page(VERA)


def test_a_stranger_sees_number_catalog_and_memo(window: Window) -> None:
    """All of the shop, no word about anybody's coins."""
    page = plain(window.page(NOBODY))
    assert str(NOBODY) in page
    assert "Кружка 50 монет осталось 3 Подробнее" in page
    assert "Ручка" in page
    assert "Победа в олимпиаде" in page
    assert "хватает" not in page
    english = plain(window.ask(launch(NOBODY, language="en")).text)
    assert "Mug 50 coins 3 left" in english


def test_a_browser_that_asks_for_an_icon_gets_the_logo_or_a_coin(
    window: Window, tmp_path: Path
) -> None:
    """No page names it, so no browser is sent into an error either."""
    coin = window.ask(path="/favicon.ico")
    assert (coin.status, coin.headers["Content-Type"]) == (200, "image/svg+xml")
    assert "sandbox" in coin.headers["Content-Security-Policy"]
    logo = "logo.0123456789ab.webp"
    own = Window(school_in(tmp_path), own_pictures={logo: b"RIFF"}, logo=logo)
    assert own.ask(path="/favicon.ico").body == b"RIFF"


def test_the_school_says_how_to_get_things_and_whom_to_ask(tmp_path: Path) -> None:
    """In the catalog, in the memo, beside a wish, to strangers and where there is no cabinet."""
    contact = Contact(
        "Заказы у администратора.", "Ask at the desk.", "По пятницам.", "", "https://vk.me/rostok"
    )
    window = Window(school_in(tmp_path), contact=contact)
    record(window.url, plan=a_shop(1))
    page = window.page(VERA)
    assert plain(page).count("Заказы у администратора. По пятницам.") == 2
    assert page.count('data-how="Заказы у администратора. По пятницам."') == 2
    assert page.count('href="https://vk.me/rostok" target="_blank" rel="noopener noreferrer"') == 2
    assert "Ask at the desk. По пятницам." in window.ask(launch(VERA, language="en")).text
    stranger = window.page(NOBODY)
    assert 'rel="noopener noreferrer" data-copy="number">Написать школе</a>' in stranger
    for query in ("", launch(VERA, at=NOW - timedelta(days=30))):
        refused = window.ask(query)
        assert refused.status == 403
        assert "Заказы у администратора." in refused.text
        assert 'href="https://vk.me/rostok"' in refused.text
    silent = Window(window.url)
    assert "contact" not in plain(silent.page(VERA))
    assert 'data-how="Подойдите к администратору школы."' in silent.page(VERA)


@pytest.mark.parametrize(
    "link",
    ["http://vk.me/school", "https://example.com/x", "javascript:alert(1)", "https://vk.me/", "vk"],
)
def test_the_school_is_written_to_inside_vk_alone(link: str) -> None:
    """Any other address is refused when the configuration is read."""
    with pytest.raises(ValueError, match=r"https://vk\.me/school"):
        vk_link(link)
    assert vk_link(" https://vk.me/school ") == "https://vk.me/school"
    assert vk_link("") == ""


def test_the_schools_own_pictures_are_served_and_shown(tmp_path: Path) -> None:
    """Logo and coin; without them the name stands alone and the coin is drawn."""
    own = {"logo.0123456789ab.svg": b"<svg/>", "coin.0123456789ab.webp": b"RIFF"}
    url = school_in(tmp_path)
    window = Window(
        url, own_pictures=own, logo="logo.0123456789ab.svg", coin="coin.0123456789ab.webp"
    )
    page = window.page(VERA)
    assert (
        '<img class="logo" src="/pictures/logo.0123456789ab.svg" alt="" width="36" height="36">'
        in page
    )
    assert page.count('<img class="coin" src="/pictures/coin.0123456789ab.webp"') == 2
    assert [window.ask(path=f"/pictures/{name}").body for name in own] == list(own.values())
    bare = Window(url).page(VERA)
    assert "<img" not in bare
    assert bare.count('class="coin drawn"') == 2


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='x",
        "\N{RIGHT-TO-LEFT OVERRIDE}кружка",
        "ё" * 120,
    ],
)
def test_hostile_goods_are_only_text(tmp_path: Path, text: str) -> None:
    """Whatever a catalog file says."""
    item = replace(MUG, name_ru=text, category_ru=text, text_ru=text * 5)
    url = school_in(tmp_path)
    record(url, plan=Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), [Put(item)]))
    page = Window(url).page(OLEG)
    assert text in plain(page)
    check_scripts(page)
    assert "<img" not in page


def test_balances_at_both_ends(tmp_path: Path) -> None:
    """Nothing at all, and a million."""
    family = pages.Family(
        (
            Resident(ANYA, "Аня", Presence.CLIENT, (1,)),
            Resident(RITA, "Рита", Presence.CLIENT, (1,)),
        ),
        {RITA: 1_000_000},
        shelf=[(MUG, 1)],
    )
    page = pages.cabinet(family, SCHOOL, "ru", datetime(2026, 11, 22, tzinfo=UTC))
    assert [(one.balance, one.coins) for one in page.children] == [
        ("0", "монет"),
        ("1\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}000", "монет"),
    ]
    assert [one.text for one in page.shop.categories[0].goods[0].reach] == [
        "не хватает 50",
        "хватает",
    ]
    assert MISHA not in [one.id for one in page.children]
